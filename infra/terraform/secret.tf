resource "google_secret_manager_secret" "sendgrid_key" {
  secret_id  = "${var.prefix}sendgrid-key"
  depends_on = [google_project_service.api]

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "sendgrid_key" {
  secret                 = google_secret_manager_secret.sendgrid_key.id
  secret_data_wo         = var.sendgrid_key
  secret_data_wo_version = var.sendgrid_key_version

  # A new key is a new version. Revisions of the services name the version they were made with, so the old one is there
  # until the new ones serve, and afterwards disabled, not deleted: enabled again, it is what a rollback needs.
  deletion_policy = "DISABLE"
  lifecycle {
    create_before_destroy = true
  }
}

# Key of the links in mails. The newest version signs, and the one before is still good for links that were made with it: so
# raising link_key_version kills no link that is younger than the raise before. Terraform draws the keys and keeps none.
resource "google_secret_manager_secret" "link_key" {
  secret_id  = "${var.prefix}link-key"
  depends_on = [google_project_service.api]

  replication {
    auto {}
  }
}

ephemeral "random_password" "link_key" {
  length  = 48
  special = false
}

locals {
  link_key_versions = toset([for version in range(max(1, var.link_key_version - 1), var.link_key_version + 1) : tostring(version)])

  # What intake and reporter are told: variable → version of the secret.
  link_keys = merge(
    { CONVTAILOR_LINK_KEY = google_secret_manager_secret_version.link_key[tostring(var.link_key_version)].version },
    var.link_key_version == 1 ? {} : {
      CONVTAILOR_LINK_KEY_BEFORE = google_secret_manager_secret_version.link_key[tostring(var.link_key_version - 1)].version
    },
  )
}

resource "google_secret_manager_secret_version" "link_key" {
  for_each               = local.link_key_versions
  secret                 = google_secret_manager_secret.link_key.id
  secret_data_wo         = ephemeral.random_password.link_key.result
  secret_data_wo_version = tonumber(each.key)

  deletion_policy = "DISABLE"
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "link_key_readers" {
  for_each = {
    intake   = google_service_account.intake.member
    reporter = google_service_account.reporter.member
  }

  secret_id = google_secret_manager_secret.link_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}

resource "google_secret_manager_secret_iam_member" "reporter_reads" {
  secret_id = google_secret_manager_secret.sendgrid_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.reporter.member
}
