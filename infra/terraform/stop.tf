# A hard stop of what costs most: when the budget is used up to var.stop_at, a workflow takes the trainers' machines away and
# keeps new ones from coming. Jobs wait in the queue. terraform apply starts the group again. Off unless asked for.

locals {
  stops = var.billing_account != null && var.stop_at != null ? toset(["budget"]) : toset([])
}

resource "google_pubsub_topic" "budget" {
  for_each   = local.stops
  name       = "${var.prefix}budget"
  depends_on = [google_project_service.api]
}

resource "google_service_account" "stop" {
  for_each     = local.stops
  account_id   = "${var.prefix}stop"
  display_name = "convtailor stops its machines"
}

resource "google_project_iam_custom_role" "stopper" {
  for_each = local.stops
  role_id  = "${replace(var.prefix, "-", "_")}stopper"
  title    = "convtailor: stops its machines"
  permissions = [
    "compute.autoscalers.get",
    "compute.autoscalers.update",
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.update",
    "compute.instanceGroupManagers.use",
    "compute.regionOperations.get",
    "compute.zoneOperations.get",
  ]
}

resource "google_project_iam_member" "stop_stops" {
  for_each = local.stops
  project  = var.project
  role     = google_project_iam_custom_role.stopper[each.key].id
  member   = google_service_account.stop[each.key].member
}

resource "google_project_iam_member" "stop_starts" {
  for_each = local.stops
  project  = var.project
  role     = "roles/workflows.invoker"
  member   = google_service_account.stop[each.key].member
}

resource "google_workflows_workflow" "stop" {
  for_each        = local.stops
  name            = "${var.prefix}stop"
  region          = var.region
  service_account = google_service_account.stop[each.key].id
  depends_on      = [google_project_service.api]

  # Google tells the topic several times a day how much is used, however little.
  source_contents = <<-YAML
    main:
      params: [event]
      steps:
        - read:
            assign:
              - told: $${json.decode(base64.decode(event.data.message.data))}
        - decide:
            switch:
              - condition: $${told.costAmount < told.budgetAmount * ${var.stop_at != null ? var.stop_at : 1}}
                return: "within the budget"
        - keep_from_coming:
            call: googleapis.compute.v1.${local.trainer_spans ? "regionAutoscalers" : "autoscalers"}.patch
            args:
              project: ${var.project}
              ${local.trainer_place}
              autoscaler: ${local.trainer_group_name}
              body:
                autoscalingPolicy:
                  mode: "OFF"
        - take_away:
            call: googleapis.compute.v1.${local.trainer_spans ? "regionInstanceGroupManagers" : "instanceGroupManagers"}.resize
            args:
              project: ${var.project}
              ${local.trainer_place}
              instanceGroupManager: ${local.trainer_group_name}
              size: 0
        - done:
            return: "stopped"
  YAML
}

resource "google_eventarc_trigger" "budget" {
  for_each        = local.stops
  name            = "${var.prefix}budget"
  location        = var.region
  service_account = google_service_account.stop[each.key].email

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.pubsub.topic.v1.messagePublished"
  }
  transport {
    pubsub {
      topic = google_pubsub_topic.budget[each.key].id
    }
  }
  destination {
    workflow = google_workflows_workflow.stop[each.key].id
  }
  depends_on = [google_project_iam_member.stop_starts]
}
