# Cloud Storage tells of every finished upload. It may tell twice, late or never: intake looks at each generation once, and
# its sweeper finds what was never told.
resource "google_storage_notification" "uploaded" {
  bucket             = google_storage_bucket.data.name
  topic              = google_pubsub_topic.live["uploads"].id
  payload_format     = "NONE" # the attributes say it all
  event_types        = ["OBJECT_FINALIZE"]
  object_name_prefix = "uploads/"
  depends_on         = [google_pubsub_topic_iam_member.storage_publishes]
}

data "google_storage_project_service_account" "this" {
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "storage_publishes" {
  topic  = google_pubsub_topic.live["uploads"].id
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.this.member
}
