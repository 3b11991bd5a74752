resource "google_artifact_registry_repository" "images" {
  repository_id = trimsuffix(var.prefix, "-")
  location      = var.region
  format        = "DOCKER"
  depends_on    = [google_project_service.api]

  # A release is one set of images for ever, so going back to it is going back to just that. What an
  # immutable tag names cannot be deleted, so a policy that deletes old versions could only ever reach what a failed build
  # left without a tag; to delete old releases the rule is let go of for as long (docs/operations.md#delete-old-releases).
  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "604800s" # 7 days
    }
  }
}

# Cloud Run pulls by its own agent, which may do that within the project; machines pull by their account.
resource "google_artifact_registry_repository_iam_member" "machine_pulls" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.machine.member
}
