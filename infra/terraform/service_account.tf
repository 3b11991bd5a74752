# One account for each service; what it may do stands beside the resource it may do it to.

resource "google_service_account" "intake" {
  account_id   = "${var.prefix}intake"
  display_name = "convtailor intake"
  depends_on   = [google_project_service.api]
}

resource "google_service_account" "reporter" {
  account_id   = "${var.prefix}reporter"
  display_name = "convtailor reporter"
  depends_on   = [google_project_service.api]
}

resource "google_service_account" "trainer" {
  account_id   = "${var.prefix}trainer"
  display_name = "convtailor trainer"
  depends_on   = [google_project_service.api]
}

# The machines themselves: they pull images, send logs, and leave their group. What decodes photographs of strangers has
# the account above, through infra/worker/identity.py.
resource "google_service_account" "machine" {
  account_id   = "${var.prefix}machine"
  display_name = "convtailor machines"
  depends_on   = [google_project_service.api]
}

resource "google_service_account_iam_member" "machine_acts_as_trainer" {
  service_account_id = google_service_account.trainer.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.machine.member
}

# Pub/Sub's pushes and the scheduler's calls carry tokens of this account. It may call the services and nothing else.
resource "google_service_account" "push" {
  account_id   = "${var.prefix}push"
  display_name = "convtailor pushes"
  depends_on   = [google_project_service.api]
}

# Signed URLs are signed by IAM in the account's own name, so there is no key that could be lost.
resource "google_service_account_iam_member" "signs_as_itself" {
  for_each = {
    intake   = google_service_account.intake
    reporter = google_service_account.reporter
  }

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value.member
}

# Needed where Pub/Sub was enabled before April 2021; elsewhere its service agent may do this already.
resource "google_service_account_iam_member" "pubsub_pushes_as" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}

# Cloud Run collects what its services log by itself; machines have to send it.
resource "google_project_iam_member" "machine_tells" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])
  project  = var.project
  role     = each.key
  member   = google_service_account.machine.member
}
