# Tells when money goes, and where stop_at is set has stop.tf take the machines away; Google's figures are hours old. What
# training can cost in the meantime is capped by trainer_max_machines.
resource "google_billing_budget" "project" {
  count           = var.billing_account == null ? 0 : 1
  billing_account = var.billing_account
  display_name    = "${var.prefix}budget"
  depends_on      = [google_project_service.api]

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget_amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = var.budget_thresholds
    content {
      threshold_percent = threshold_rules.value
    }
  }

  dynamic "all_updates_rule" {
    for_each = length(local.alert_channels) + length(local.stops) == 0 ? [] : [local.alert_channels]
    content {
      monitoring_notification_channels = all_updates_rule.value
      pubsub_topic                     = one([for topic in google_pubsub_topic.budget : topic.id])
    }
  }
}
