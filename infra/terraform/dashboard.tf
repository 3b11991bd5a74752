# What an operator looks at: how long jobs wait, how many machines there are, what a job takes.

locals {
  jobs_subscription = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = \"${google_pubsub_subscription.live["jobs"].name}\""
  trainer_group     = "resource.type = \"instance_group\" AND resource.label.instance_group_name = \"${var.prefix}trainer\""

  # Title → filter, aligner, and how series are put together.
  charts = {
    "Jobs waiting and at work"        = { filter = "${local.jobs_subscription} AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM" }
    "Age of the oldest job, s"        = { filter = "${local.jobs_subscription} AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX" }
    "Machines"                        = { filter = "${local.trainer_group} AND metric.type = \"compute.googleapis.com/instance_group/size\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM" }
    "Use of GPUs, %"                  = { filter = "resource.type = \"gce_instance\" AND metric.type = \"agent.googleapis.com/gpu/utilization\"", aligner = "ALIGN_MEAN", reducer = "REDUCE_MEAN" }
    "Seconds that a job trains, 50 %" = { filter = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.trained_seconds.name}\"", aligner = "ALIGN_PERCENTILE_50", reducer = "REDUCE_MEAN" }
    "Cost of a job, 50 %"             = { filter = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.job_cost.name}\"", aligner = "ALIGN_PERCENTILE_50", reducer = "REDUCE_MEAN" }
    "Requests of intake, per second"  = { filter = "resource.type = \"cloud_run_revision\" AND resource.label.service_name = \"${google_cloud_run_v2_service.intake.name}\" AND metric.type = \"run.googleapis.com/request_count\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM" }
  }
}

# What a job trained.
resource "google_logging_metric" "trained_seconds" {
  name            = "${var.prefix}trained-seconds"
  value_extractor = "EXTRACT(jsonPayload.trained_s)"
  depends_on      = [google_project_service.api]
  filter = join(" AND ", [
    "resource.type = \"cloud_run_revision\"",
    "resource.labels.service_name = \"${google_cloud_run_v2_service.reporter.name}\"",
    "jsonPayload.message = \"reported an end\"",
    "jsonPayload.trained_s > 0",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }
}

# What that cost, in the currency of price_per_hour, less start and idling; empty without a price.
resource "google_logging_metric" "job_cost" {
  name            = "${var.prefix}job-cost"
  value_extractor = "EXTRACT(jsonPayload.cost)"
  depends_on      = [google_project_service.api]
  filter = join(" AND ", [
    "resource.type = \"cloud_run_revision\"",
    "resource.labels.service_name = \"${google_cloud_run_v2_service.reporter.name}\"",
    "jsonPayload.message = \"reported an end\"",
    "jsonPayload.cost > 0",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"
  }

  # From a thousandth of the currency on, each bucket a quarter wider than the one before.
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 64
      growth_factor      = 1.25
      scale              = 0.001
    }
  }
}

resource "google_monitoring_dashboard" "overview" {
  depends_on = [time_sleep.metrics_known]
  dashboard_json = jsonencode({
    displayName = "${var.prefix}overview"
    gridLayout = {
      columns = "2"
      widgets = [for title, chart in local.charts : {
        title = title
        xyChart = {
          dataSets = [{
            plotType = "LINE"
            timeSeriesQuery = {
              timeSeriesFilter = {
                filter      = chart.filter
                aggregation = { alignmentPeriod = "60s", perSeriesAligner = chart.aligner, crossSeriesReducer = chart.reducer }
              }
            }
          }]
        }
      }]
    }
  })
}
