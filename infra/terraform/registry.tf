resource "google_artifact_registry_repository" "images" {
  repository_id = trimsuffix(var.prefix, "-")
  location      = var.region
  format        = "DOCKER"
  depends_on    = [google_project_service.api]

  # A release is one set of images for ever, so going back to it is going back to just that.
  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep-ten"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s" # 30 days
    }
  }
}

# Cloud Run pulls by its own agent, which may do that within the project; machines pull by their account.
resource "google_artifact_registry_repository_iam_member" "trainer_pulls" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.trainer.member
}
