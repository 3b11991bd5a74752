# Archives, networks and reports. Intake never sees the bytes: people upload and download by signed URLs.
resource "google_storage_bucket" "data" {
  name                        = "${var.project}-${var.prefix}data"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  depends_on                  = [google_project_service.api]

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  # Deleted means deleted: by default Cloud Storage would keep people's photographs for another seven days.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  # Intake deletes what is due, counted from the end of its job; it has the same days in its settings. These rules, which
  # count from the day of writing, catch what intake could not delete, and never what it is still to keep.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = ceil(max(var.archive_days, var.most_archive_days)) + local.longest_wait_days
      matches_prefix = ["uploads/"]
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = ceil(var.artefact_days) + local.longest_training_days
      matches_prefix = ["jobs/"]
    }
  }

  # Browsers upload in one PUT, or for large archives by a POST that opens a session and the PUTs that follow; they GET
  # the report and the network that they show.
  cors {
    origin = var.cors_origins
    method = ["GET", "PUT", "POST"]
    response_header = [
      "Content-Type",
      "Content-Range",
      "Range",
      "Location",
      "x-goog-resumable",
      "x-goog-content-length-range",
      "x-goog-if-generation-match",
    ]
    max_age_seconds = 3600
  }
}

# Keras's own weight files under their own names, put there by the operator; may stay empty.
resource "google_storage_bucket" "weights" {
  name                        = "${var.project}-${var.prefix}weights"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  depends_on                  = [google_project_service.api]

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}

locals {
  longest_wait_days     = 30 # from an upload to the end of its job, should machines be scarce
  longest_training_days = 7  # from the first finished trial to the end: four attempts of a day, and a day for the mail

  objects = "projects/_/buckets/${google_storage_bucket.data.name}/objects"

  # objectUser creates, reads, replaces and deletes; objectViewer reads. Who signs a URL must be allowed what it allows.
  bucket_access = {
    intake-uploads  = { member = google_service_account.intake.member, role = "roles/storage.objectUser", folder = "uploads" }
    intake-jobs     = { member = google_service_account.intake.member, role = "roles/storage.objectViewer", folder = "jobs" }
    intake-expires  = { member = google_service_account.intake.member, role = google_project_iam_custom_role.object_deleter.id, folder = "jobs" }
    trainer-uploads = { member = google_service_account.trainer.member, role = "roles/storage.objectViewer", folder = "uploads" }
    trainer-jobs    = { member = google_service_account.trainer.member, role = "roles/storage.objectUser", folder = "jobs" }
    reporter-jobs   = { member = google_service_account.reporter.member, role = "roles/storage.objectUser", folder = "jobs" }
    reporter-clears = { member = google_service_account.reporter.member, role = google_project_iam_custom_role.object_deleter.id, folder = "uploads" }
  }
}

resource "google_storage_bucket_iam_member" "data" {
  for_each = local.bucket_access
  bucket   = google_storage_bucket.data.name
  role     = each.value.role
  member   = each.value.member

  condition {
    title      = "only ${each.value.folder}"
    expression = "resource.name.startsWith(\"${local.objects}/${each.value.folder}/\")"
  }
}

# To those who may not list a bucket, an object that is missing looks like one that is forbidden, and the services have to
# tell the two apart. Listing is a matter of the whole bucket, so a condition on a folder cannot allow it.
resource "google_project_iam_custom_role" "object_lister" {
  role_id     = "${replace(var.prefix, "-", "_")}object_lister"
  title       = "convtailor: lists objects"
  permissions = ["storage.objects.list"]
  depends_on  = [google_project_service.api]
}

# The reporter deletes photographs before it says so, and intake what has been kept for long enough; neither may replace
# what the other services write there.
resource "google_project_iam_custom_role" "object_deleter" {
  role_id     = "${replace(var.prefix, "-", "_")}object_deleter"
  title       = "convtailor: deletes objects"
  permissions = ["storage.objects.delete"]
  depends_on  = [google_project_service.api]
}

resource "google_storage_bucket_iam_member" "data_list" {
  for_each = {
    intake   = google_service_account.intake.member
    trainer  = google_service_account.trainer.member
    reporter = google_service_account.reporter.member
  }

  bucket = google_storage_bucket.data.name
  role   = google_project_iam_custom_role.object_lister.id
  member = each.value
}

resource "google_storage_bucket_iam_member" "weights" {
  bucket = google_storage_bucket.weights.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.trainer.member
}
