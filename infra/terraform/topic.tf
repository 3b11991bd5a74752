# Three topics, each with one subscription of the same name, and beside each pair one for what cannot be delivered.

locals {
  # ack_s: after this a message comes again; for pushes also the longest request.
  # attempts: an expired lease counts as one, so a job that is pre-empted again and again needs many; poison is found by
  # the services' own count, and dead-lettered by them.
  topics = {
    uploads = { ack_s = 60, attempts = 20 }
    jobs    = { ack_s = local.lease_s, attempts = 50 }
    results = { ack_s = local.report_s, attempts = 100 } # mail that is not taken is tried again for a day
  }
  topic_names = toset(keys(local.topics))

  lease_s  = 15  # trainers pull, and extend the lease while they work; so soon after one dies its job goes on elsewhere
  report_s = 600 # the longest that Pub/Sub waits for a push

  # Jobs are pulled, the others pushed.
  push_endpoints = {
    uploads = "${google_cloud_run_v2_service.intake.uri}/push/uploads"
    results = "${google_cloud_run_v2_service.reporter.uri}/push/results"
  }
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # What the tokens of pushes are made for. An address would be known only after the service that has to know it.
  push_audience = "${var.prefix}push"
}

resource "google_pubsub_topic" "live" {
  for_each   = local.topic_names
  name       = "${var.prefix}${each.key}"
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic" "dead" {
  for_each   = local.topic_names
  name       = "${var.prefix}${each.key}-dead"
  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "live" {
  for_each             = local.topics
  name                 = google_pubsub_topic.live[each.key].name
  topic                = google_pubsub_topic.live[each.key].id
  ack_deadline_seconds = each.value.ack_s

  # Without this a subscription that is quiet for 31 days is deleted.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = each.value.attempts
  }

  dynamic "push_config" {
    for_each = each.key == "jobs" ? [] : [local.push_endpoints[each.key]]
    content {
      push_endpoint = push_config.value
      oidc_token {
        service_account_email = google_service_account.push.email
        audience              = local.push_audience
      }
    }
  }

  # A message that is given up before its dead letter can be written or kept would be lost.
  depends_on = [google_pubsub_topic_iam_member.agent_buries, google_pubsub_subscription.dead]
}

resource "google_pubsub_subscription" "dead" {
  for_each                   = local.topic_names
  name                       = google_pubsub_topic.dead[each.key].name
  topic                      = google_pubsub_topic.dead[each.key].id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days, the most there is, for a person to look at them

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself makes dead letters: it publishes them to one side and acknowledges them on the other.
resource "google_pubsub_topic_iam_member" "agent_buries" {
  for_each = local.topic_names
  topic    = google_pubsub_topic.dead[each.key].id
  role     = "roles/pubsub.publisher"
  member   = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "agent_acknowledges" {
  for_each     = local.topic_names
  subscription = google_pubsub_subscription.live[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Events are recorded with the state they announce, and whoever writes a job next publishes all that are left, those that
# a service which died left behind included. So intake and trainer may publish to every topic; the reporter records none.
resource "google_pubsub_topic_iam_member" "intake_publishes" {
  for_each = local.topic_names
  topic    = google_pubsub_topic.live[each.key].id
  role     = "roles/pubsub.publisher"
  member   = google_service_account.intake.member
}

resource "google_pubsub_topic_iam_member" "trainer_publishes" {
  for_each = local.topic_names
  topic    = google_pubsub_topic.live[each.key].id
  role     = "roles/pubsub.publisher"
  member   = google_service_account.trainer.member
}

# Each service buries what it cannot read, with the reason, on its own topic.
resource "google_pubsub_topic_iam_member" "service_buries" {
  for_each = {
    uploads = google_service_account.intake.member
    jobs    = google_service_account.trainer.member
    results = google_service_account.reporter.member
  }

  topic  = google_pubsub_topic.dead[each.key].id
  role   = "roles/pubsub.publisher"
  member = each.value
}

resource "google_pubsub_subscription_iam_member" "trainer_pulls" {
  subscription = google_pubsub_subscription.live["jobs"].id
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.trainer.member
}
