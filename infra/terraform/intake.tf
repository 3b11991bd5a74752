locals {
  # Cloud Run's address is made of these, so it is known before the service that has to know it. outputs.tf checks it.
  run_url    = "https://${var.prefix}intake-${data.google_project.this.number}.${var.region}.run.app"
  public_url = coalesce(var.public_url, local.run_url)

  # What every service is told.
  service_environment = {
    CONVTAILOR_BACKEND           = "gcp"
    CONVTAILOR_GCP_PROJECT       = var.project
    CONVTAILOR_GCP_BUCKET        = google_storage_bucket.data.name
    CONVTAILOR_GCP_DATABASE      = google_firestore_database.jobs.name
    CONVTAILOR_GCP_PREFIX        = var.prefix
    CONVTAILOR_PUBLIC_URL        = local.public_url
    CONVTAILOR_ARCHIVE_DAYS      = tostring(var.archive_days)
    CONVTAILOR_MOST_ARCHIVE_DAYS = tostring(var.most_archive_days)
    CONVTAILOR_ARTEFACT_DAYS     = tostring(var.artefact_days)

    # Empty means that it is not known. Intake refuses caps on costs without it, trainers keep to them by it.
    CONVTAILOR_PRICE_PER_HOUR = var.price_per_hour
  }

  intake_threads = 8
  intake_environment = merge(local.service_environment, {
    CONVTAILOR_GCP_SIGNER       = google_service_account.intake.email
    CONVTAILOR_PUSH_AUDIENCE    = local.push_audience
    CONVTAILOR_PUSH_ACCOUNT     = google_service_account.push.email
    CONVTAILOR_REQUEST_THREADS  = tostring(local.intake_threads)
    CONVTAILOR_MAX_UPLOAD_BYTES = tostring(var.max_upload_bytes)

    # Pub/Sub keeps a message for a week and loses none; a reminder of a queued job would be a machine more.
    CONVTAILOR_QUEUED_PATIENCE_S = "21600"

    # Cloud Run's front end adds the caller's address to what the caller has sent; a load balancer before it one more.
    CONVTAILOR_FORWARDED_HOPS        = tostring(var.forwarded_hops)
    CONVTAILOR_MAX_JOBS              = tostring(var.max_jobs)
    CONVTAILOR_REQUIRE_KEY           = tostring(var.require_key)
    CONVTAILOR_CONFIRM_ADDRESSES     = tostring(var.confirm_addresses)
    CONVTAILOR_TRUSTED_DOMAINS       = join(",", var.trusted_domains)
    CONVTAILOR_JOBS_PER_NETWORK_HOUR = tostring(var.jobs_per_network_hour)
    CONVTAILOR_JOBS_PER_ADDRESS_DAY  = tostring(var.jobs_per_address_day)
    CONVTAILOR_BYTES_PER_NETWORK_DAY = tostring(var.bytes_per_network_day)
  })
}

resource "google_cloud_run_v2_service" "intake" {
  name                = "${var.prefix}intake"
  location            = var.region
  deletion_protection = var.deletion_protection
  custom_audiences    = [local.push_audience]

  # The way to a public service that organisations allow which share with their own domains only, and so refuse allUsers.
  # The pushes' path is as public as the API then, so intake checks their tokens itself as well.
  invoker_iam_disabled = var.public

  # Else a rollback by gcloud would hold all traffic for good, and the next release get none.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  template {
    service_account                  = google_service_account.intake.email
    max_instance_request_concurrency = local.intake_threads # more would queue behind the threads, unseen by the autoscaler
    timeout                          = "300s"               # the sweeper's call; pushes end with their ack deadline

    scaling {
      min_instance_count = 0
      max_instance_count = var.intake_max_instances
    }

    containers {
      image = "${google_artifact_registry_repository.images.registry_uri}/intake:${var.release}"

      resources {
        limits            = { cpu = "1", memory = "1Gi" } # two tables of contents at a time, of 250,000 entries each
        cpu_idle          = true                          # paid for while a request is answered, not for as long as an instance lives
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(var.settings, local.intake_environment)
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

      # Reads a document too: a release that cannot reach the store never gets traffic. 240 s, the longest that Cloud Run
      # allows, since fresh rights take minutes to work. No liveness probe: while Firestore is away, starting anew would
      # not help.
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

  # Without their indexes the sweeper's queries fail, minutes long.
  depends_on = [google_project_service.api, google_project_iam_member.jobs, google_firestore_index.this, google_secret_manager_secret_iam_member.link_key_readers]
}

resource "google_cloud_run_v2_service_iam_member" "intake_pushes" {
  name     = google_cloud_run_v2_service.intake.name
  location = google_cloud_run_v2_service.intake.location
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}
