resource "google_secret_manager_secret" "sendgrid_key" {
  secret_id  = "${var.prefix}sendgrid-key"
  depends_on = [google_project_service.api]

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "sendgrid_key" {
  secret                 = google_secret_manager_secret.sendgrid_key.id
  secret_data_wo         = var.sendgrid_key
  secret_data_wo_version = var.sendgrid_key_version

  # A new key is a new version. Revisions of the services name the version they were made with, so the old one is there
  # until the new ones serve, and afterwards disabled, not deleted: enabled again, it is what a rollback needs.
  deletion_policy = "DISABLE"
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "reporter_reads" {
  secret_id = google_secret_manager_secret.sendgrid_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.reporter.member
}
