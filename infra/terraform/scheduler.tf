# Sets going again what a lost message or a killed process left behind. Intake waits two minutes before it counts a job as
# standing still, so looking more often would find nothing sooner.
resource "google_cloud_scheduler_job" "sweep" {
  name             = "${var.prefix}sweep"
  region           = var.region
  schedule         = "*/2 * * * *"
  attempt_deadline = "300s"
  depends_on       = [google_project_service.api]

  # A call that fails is not repeated: the next one comes soon enough.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.intake.uri}/tasks/sweep"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.push_audience
    }
  }
}

# Deletes what has been kept for long enough. On Sundays at 3 o'clock, UTC, intake looks at everything, otherwise at the last
# day.
resource "google_cloud_scheduler_job" "expire" {
  name             = "${var.prefix}expire"
  region           = var.region
  schedule         = "17 * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "300s"
  depends_on       = [google_project_service.api]

  # Likewise.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.intake.uri}/tasks/expire"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.push_audience
    }
  }
}
