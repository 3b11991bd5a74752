output "service_url" {
  description = "Address of the API: convtailor submit photos.zip --server with this."
  value       = local.public_url
}

output "registry" {
  description = "Where the images are: make images REGISTRY with this."
  value       = google_artifact_registry_repository.images.registry_uri
}

output "data_bucket" {
  description = "Bucket of archives, networks and reports."
  value       = google_storage_bucket.data.name
}

output "weights_bucket" {
  description = "Bucket for Keras's weight files."
  value       = google_storage_bucket.weights.name
}

output "database" {
  description = "Firestore database of the jobs."
  value       = google_firestore_database.jobs.name
}

output "trainer_group" {
  description = "Instance group of the trainers."
  value       = local.trainer_group_name
}

# The services were told an address before there was one.
check "public_url" {
  assert {
    condition     = var.public_url != null || contains(google_cloud_run_v2_service.intake.urls, local.run_url)
    error_message = "Cloud Run gave intake other addresses than ${local.run_url}: set public_url to one of them."
  }
}
