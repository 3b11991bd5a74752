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
}

resource "google_secret_manager_secret_iam_member" "reporter_reads" {
  secret_id = google_secret_manager_secret.sendgrid_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.reporter.member
}
