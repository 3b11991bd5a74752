# The truth about every job. shared/adapters/gcp/firestore/job_document.py tells the shape of its documents; a test compares.
resource "google_firestore_database" "jobs" {
  name        = "${var.prefix}jobs"
  location_id = var.region
  type        = "FIRESTORE_NATIVE"
  depends_on  = [google_project_service.api]

  # Off unless asked for, because a job that a person asked to be deleted would be kept for another week.
  point_in_time_recovery_enablement = var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"

  dynamic "cmek_config" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      kms_key_name = cmek_config.value
    }
  }

  delete_protection_state = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = var.deletion_protection ? "ABANDON" : "DELETE"
}

locals {
  indexes = {
    jobs-state      = { collection = "jobs", fields = ["state", "updated_at"] }
    jobs-open-state = { collection = "jobs", fields = ["is_open", "state", "updated_at"] }
    outbox-order    = { collection = "outbox", fields = ["recorded_at", "position"] }
  }
  # Firestore deletes ended jobs about a day after this moment; nothing waits for it.
  ttl_fields = {
    jobs       = "expire_at"
    pieces     = "expire_at"
    heartbeats = "expire_at"
    used       = "expire_at"
  }
  # Long texts that nobody searches; an index would store them twice.
  unindexed_fields = {
    jobs              = "text"
    pieces            = "text"
    heartbeats        = "text"
    api_keys          = "key"
    used              = "total"
    outbox            = "data"
    outbox_unreadable = "data"
  }
}

resource "google_firestore_index" "this" {
  for_each   = local.indexes
  database   = google_firestore_database.jobs.name
  collection = each.value.collection

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value
      order      = "ASCENDING"
    }
  }
}

resource "google_firestore_field" "ttl" {
  for_each   = local.ttl_fields
  database   = google_firestore_database.jobs.name
  collection = each.key
  field      = each.value

  ttl_config {}
  index_config {} # moments that only grow, in an index that nobody asks, would slow every write down
}

resource "google_firestore_field" "unindexed" {
  for_each   = local.unindexed_fields
  database   = google_firestore_database.jobs.name
  collection = each.key
  field      = each.value

  index_config {}
}

resource "google_project_iam_member" "jobs" {
  for_each = {
    intake   = google_service_account.intake.member
    trainer  = google_service_account.trainer.member
    reporter = google_service_account.reporter.member
  }

  project = var.project
  role    = "roles/datastore.user"
  member  = each.value

  condition {
    title      = "only ${google_firestore_database.jobs.name}"
    expression = "resource.name == \"projects/${var.project}/databases/${google_firestore_database.jobs.name}\""
  }
}
