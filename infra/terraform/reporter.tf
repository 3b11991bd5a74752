locals {
  reporter_threads = 4
  reporter_environment = merge(local.service_environment, {
    CONVTAILOR_GCP_SIGNER      = google_service_account.reporter.email
    CONVTAILOR_PUSH_AUDIENCE   = local.push_audience
    CONVTAILOR_PUSH_ACCOUNT    = google_service_account.push.email
    CONVTAILOR_REQUEST_THREADS = tostring(local.reporter_threads)
    CONVTAILOR_MAILER          = "sendgrid"
    CONVTAILOR_MAIL_FROM       = var.mail_from
    CONVTAILOR_MAIL_FROM_NAME  = var.mail_from_name
    CONVTAILOR_SENDGRID_HOST   = var.sendgrid_host
  })
}

resource "google_cloud_run_v2_service" "reporter" {
  name                = "${var.prefix}reporter"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY" # Pub/Sub of the same project counts as internal
  deletion_protection = var.deletion_protection
  custom_audiences    = [local.push_audience]

  # As for intake.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  template {
    service_account                  = google_service_account.reporter.email
    max_instance_request_concurrency = local.reporter_threads
    timeout                          = "${local.report_s}s"

    scaling {
      min_instance_count = 0
      max_instance_count = var.reporter_max_instances
    }

    containers {
      image = "${google_artifact_registry_repository.images.registry_uri}/reporter:${var.release}"

      resources {
        limits            = { cpu = "1", memory = "1Gi" } # drawing, four reports at a time
        cpu_idle          = true                          # as for intake
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(var.settings, local.reporter_environment)
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.link_keys
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.link_key.secret_id
              version = env.value
            }
          }
        }
      }

      # A version and not "latest", so that a new key makes a new revision and the old one can be gone back to.
      env {
        name = "CONVTAILOR_SENDGRID_KEY"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.sendgrid_key.secret_id
            version = google_secret_manager_secret_version.sendgrid_key.version
          }
        }
      }

      startup_probe {
        period_seconds    = 4
        timeout_seconds   = 4
        failure_threshold = 60
        http_get {
          path = "/healthz"
        }
      }
    }
  }

  depends_on = [
    google_project_service.api,
    google_project_iam_member.jobs,
    google_firestore_index.this,
    google_secret_manager_secret_iam_member.reporter_reads,
    google_secret_manager_secret_iam_member.link_key_readers,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "reporter_pushes" {
  name     = google_cloud_run_v2_service.reporter.name
  location = google_cloud_run_v2_service.reporter.location
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}
