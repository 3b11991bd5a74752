# Every alert has a section of the same name in docs/operations.md, which says what it means and what to do.

locals {
  alert_channels = google_monitoring_notification_channel.email[*].id
  runbook        = "What it means and what to do: docs/operations.md#alert-"

  # Seconds after which the oldest message that nobody has acknowledged means trouble.
  message_age_s = {
    uploads = 900
    jobs    = var.alert_job_age_s
    results = 3600
  }
}

resource "google_monitoring_notification_channel" "email" {
  count        = var.alert_email == null ? 0 : 1
  display_name = "convtailor operators"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "dead_letters" {
  display_name          = "${var.prefix}dead letters"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  dynamic "conditions" {
    for_each = google_pubsub_subscription.dead
    content {
      display_name = conditions.value.name
      condition_threshold {
        filter          = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = \"${conditions.value.name}\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
        comparison      = "COMPARISON_GT"
        threshold_value = 0
        duration        = "0s"
        aggregations {
          alignment_period   = "300s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A message could not be handled and was set aside. ${local.runbook}dead-letters"
  }
}

resource "google_monitoring_alert_policy" "oldest_message" {
  display_name          = "${var.prefix}oldest message"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  dynamic "conditions" {
    for_each = google_pubsub_subscription.live
    content {
      display_name = conditions.value.name
      condition_threshold {
        filter          = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = \"${conditions.value.name}\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
        comparison      = "COMPARISON_GT"
        threshold_value = local.message_age_s[conditions.key]
        duration        = "300s"
        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A message has been waiting for longer than it should. ${local.runbook}oldest-message"
  }
}

# The reporter logs every end it has told of; a job that the person's own archive made impossible is rejected, not failed.
resource "google_logging_metric" "failed_jobs" {
  name       = "${var.prefix}failed-jobs"
  depends_on = [google_project_service.api]
  filter = join(" AND ", [
    "resource.type = \"cloud_run_revision\"",
    "resource.labels.service_name = \"${google_cloud_run_v2_service.reporter.name}\"",
    "jsonPayload.logger = \"services.reporter.handler\"",
    "jsonPayload.message = \"reported an end\"",
    "jsonPayload.state = \"failed\"",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# A metric of a log is known to alerts up to ten minutes after it was made; the provider does not wait for it.
# Source: https://github.com/hashicorp/terraform-provider-google/issues/11102
resource "time_sleep" "metrics_known" {
  create_duration = "600s"
  triggers        = { metrics = join(",", [google_logging_metric.failed_jobs.id, google_logging_metric.repairs.id, google_logging_metric.trained_seconds.id, google_logging_metric.job_cost.id]) }
}

resource "google_monitoring_alert_policy" "failed_jobs" {
  display_name          = "${var.prefix}failed jobs"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.alert_channels
  depends_on            = [time_sleep.metrics_known]

  conditions {
    display_name = google_logging_metric.failed_jobs.name
    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.failed_jobs.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_failed_jobs
      duration        = "0s"
      aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Jobs failed for reasons of ours. ${local.runbook}failed-jobs"
  }
}

resource "google_monitoring_alert_policy" "errors" {
  display_name          = "${var.prefix}errors"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  dynamic "conditions" {
    for_each = {
      intake   = google_cloud_run_v2_service.intake.name
      reporter = google_cloud_run_v2_service.reporter.name
    }
    content {
      display_name = conditions.value
      condition_threshold {
        filter             = "resource.type = \"cloud_run_revision\" AND resource.label.service_name = \"${conditions.value}\" AND metric.type = \"run.googleapis.com/request_count\" AND metric.label.response_code_class = \"5xx\""
        denominator_filter = "resource.type = \"cloud_run_revision\" AND resource.label.service_name = \"${conditions.value}\" AND metric.type = \"run.googleapis.com/request_count\""
        comparison         = "COMPARISON_GT"
        threshold_value    = var.alert_error_frac
        duration           = "0s"
        aggregations {
          alignment_period     = "600s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }
        denominator_aggregations {
          alignment_period     = "600s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Too many requests ended in a server error. ${local.runbook}errors"
  }
}

# Every service logs what it cannot read in the same words; the trainer's lines come as text, from Docker.
resource "google_monitoring_alert_policy" "unreadable_data" {
  display_name          = "${var.prefix}unreadable data"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  conditions {
    display_name = "a job or an event cannot be read"
    condition_matched_log {
      filter = join(" OR ", [
        "(resource.type = \"cloud_run_revision\" AND jsonPayload.logger = \"shared.job.stored\" AND severity >= ERROR)",
        "(log_id(\"gcplogs-docker-driver\") AND jsonPayload.message:\"shared.job.stored\")",
      ])
    }
  }

  # Without it Google refuses an alert on lines of a log.
  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Something stored is damaged, or of another release, and was passed over. ${local.runbook}unreadable-data"
  }
}

resource "google_monitoring_alert_policy" "full_disk" {
  display_name          = "${var.prefix}full disk"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  conditions {
    display_name = "a trainer has no room for a job"
    condition_matched_log {
      filter = "log_id(\"gcplogs-docker-driver\") AND jsonPayload.message:\"no room on the scratch disk\""
    }
  }

  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Jobs wait for room on a trainer's disk. ${local.runbook}full-disk"
  }
}

# Compute Engine logs each machine that it could not make, in the words of the reason.
resource "google_monitoring_alert_policy" "no_machine" {
  display_name          = "${var.prefix}no machine"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  conditions {
    display_name = "a trainer could not be made"
    condition_matched_log {
      filter = join(" AND ", [
        "log_id(\"cloudaudit.googleapis.com/activity\")",
        "protoPayload.methodName =~ \"compute.instances.insert\"",
        "protoPayload.resourceName =~ \"instances/${var.prefix}trainer\"",
        "severity >= ERROR",
      ])
    }
  }

  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The zone has no such machine now, or a quota is used up; jobs wait. ${local.runbook}no-machine"
  }
}

# A machine whose health check fails is made anew; again and again means that the start itself fails.
resource "google_logging_metric" "repairs" {
  name       = "${var.prefix}repairs"
  depends_on = [google_project_service.api]
  filter = join(" AND ", [
    "protoPayload.methodName = \"compute.instances.repair.recreateInstance\"",
    "protoPayload.resourceName =~ \"instances/${var.prefix}trainer\"",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_alert_policy" "recreate_loop" {
  display_name          = "${var.prefix}recreate loop"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.alert_channels
  depends_on            = [time_sleep.metrics_known]

  conditions {
    display_name = google_logging_metric.repairs.name
    condition_threshold {
      filter          = "resource.type = \"gce_instance\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.repairs.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 2
      duration        = "0s"
      aggregations {
        alignment_period     = "7200s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Machines are made anew again and again and take no job. ${local.runbook}recreate-loop"
  }
}

# Both at once: there are machines, and nothing that they could be at work on.
resource "google_monitoring_alert_policy" "idle_machine" {
  display_name          = "${var.prefix}idle machine"
  combiner              = "AND"
  severity              = "WARNING"
  notification_channels = local.alert_channels
  depends_on            = [google_project_service.api]

  conditions {
    display_name = "there are machines"
    condition_threshold {
      filter          = "${local.trainer_group} AND metric.type = \"compute.googleapis.com/instance_group/size\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "${var.trainer_idle_s + 1800}s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MIN"
      }
    }
  }

  conditions {
    display_name = "there are no jobs"
    condition_threshold {
      filter          = "${local.jobs_subscription} AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_LT"
      threshold_value = 1
      duration        = "${var.trainer_idle_s + 1800}s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A machine costs money and does nothing. ${local.runbook}idle-machine"
  }
}

# Asks from outside, as people do. /healthz is kept by Google's front end for itself.
resource "google_monitoring_uptime_check_config" "intake" {
  count        = var.public ? 1 : 0
  display_name = "${var.prefix}intake"
  timeout      = "30s" # a cold start is no outage
  period       = "300s"
  depends_on   = [google_project_service.api]

  http_check {
    path         = "/openapi.json"
    use_ssl      = true
    validate_ssl = true
    port         = 443
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = trimsuffix(trimprefix(local.public_url, "https://"), "/") }
  }
}

resource "google_monitoring_alert_policy" "unreachable" {
  count                 = var.public ? 1 : 0
  display_name          = "${var.prefix}unreachable"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.alert_channels

  conditions {
    display_name = "intake does not answer from outside"
    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.label.check_id = \"${google_monitoring_uptime_check_config.intake[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "600s"
      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "People cannot reach the service. ${local.runbook}unreachable"
  }
}
