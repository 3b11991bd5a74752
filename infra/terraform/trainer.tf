# Machines with GPUs that come when there are jobs and remove themselves when there are none. How one starts, stops and
# leaves is told in ../worker/README.md.

locals {
  trainer_workers    = max(1, var.trainer_gpus)
  health_port        = "8080"
  trainer_group_name = "${var.prefix}trainer"
  trainer_spans      = length(var.trainer_zones) > 0
  trainer_place      = local.trainer_spans ? "region: ${var.region}" : "zone: ${var.zone}"

  trainer_environment = merge(local.service_environment, {
    CONVTAILOR_TRAINER_LEASE_S = tostring(local.lease_s)
    CONVTAILOR_REQUIRE_GPU     = tostring(var.trainer_gpus > 0) # better no trainer than one that takes days
    CONVTAILOR_IDLE_EXIT_S     = tostring(var.trainer_idle_s)
    CONVTAILOR_MACHINE_TYPE    = var.trainer_machine_type # as the price of an hour may name it
    CONVTAILOR_WEIGHTS         = "gs://${google_storage_bucket.weights.name}"
  })

  # What containers take for the metadata server hands out tokens of this account, good for these APIs and no others.
  trainer_identity = {
    ACCOUNT = google_service_account.trainer.email
    SCOPES  = "https://www.googleapis.com/auth/devstorage.read_write https://www.googleapis.com/auth/datastore https://www.googleapis.com/auth/pubsub"
  }
}

# Made by make machine-image, which names it after the release; it fails here, at the plan, where there is none.
data "google_compute_image" "trainer" {
  name       = coalesce(var.trainer_image, "${var.prefix}trainer-${var.release}")
  depends_on = [google_project_service.api]
}

resource "google_compute_instance_template" "trainer" {
  name_prefix  = "${var.prefix}trainer-"
  machine_type = var.trainer_machine_type

  disk {
    source_image = data.google_compute_image.trainer.self_link
    boot         = true
    auto_delete  = true
    disk_size_gb = var.trainer_disk_gb
    disk_type    = var.trainer_disk_type
  }

  # A machine that is taken away is gone: its group makes another, its jobs go on there.
  scheduling {
    provisioning_model  = var.trainer_spot ? "SPOT" : "STANDARD"
    preemptible         = var.trainer_spot
    automatic_restart   = !var.trainer_spot
    on_host_maintenance = "TERMINATE" # machines with GPUs cannot be moved
  }

  # No access_config: no address that the internet could reach.
  network_interface {
    subnetwork = google_compute_subnetwork.trainer.id
  }

  service_account {
    email  = google_service_account.machine.email
    scopes = ["cloud-platform"] # what it may do is decided by IAM alone
  }

  metadata = {
    enable-oslogin           = "TRUE"
    block-project-ssh-keys   = "TRUE"
    install-nvidia-driver    = "True" # asks Deep Learning VM images whose driver is not built in
    startup-script           = file("${path.module}/../worker/startup.sh")
    shutdown-script          = file("${path.module}/../worker/shutdown.sh")
    convtailor-image         = "${google_artifact_registry_repository.images.registry_uri}/trainer:${var.release}"
    convtailor-gpus          = tostring(var.trainer_gpus)
    convtailor-environment   = join("\n", [for name, value in merge(var.settings, local.trainer_environment) : "${name}=${value}"])
    convtailor-identity      = file("${path.module}/../worker/identity.py")
    convtailor-identity-conf = join("\n", [for name, value in local.trainer_identity : "${name}=\"${value}\""])
    convtailor-identity-unit = file("${path.module}/../worker/convtailor-identity.service")
    convtailor-trainer-unit  = file("${path.module}/../worker/convtailor-trainer@.service")
    convtailor-retire        = file("${path.module}/../worker/retire.sh")
    convtailor-retire-unit   = file("${path.module}/../worker/convtailor-retire.service")
    convtailor-health        = file("${path.module}/../worker/health.sh")
    convtailor-health-unit   = file("${path.module}/../worker/convtailor-health@.service")
    convtailor-health-port   = file("${path.module}/../worker/convtailor-health.socket")
  }

  # Templates cannot be changed, so a new one is made before the group lets go of the old one.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.machine_pulls,
    google_project_iam_member.jobs,
    google_pubsub_subscription_iam_member.trainer_pulls,
    google_service_account_iam_member.machine_acts_as_trainer,
  ]
}

resource "google_compute_health_check" "trainer" {
  name                = "${var.prefix}trainer"
  check_interval_sec  = 30
  timeout_sec         = 10
  unhealthy_threshold = 10 # five minutes: a machine that is merely busy is left alone
  depends_on          = [google_project_service.api]

  http_health_check {
    port         = tonumber(local.health_port)
    request_path = "/"
  }
}

# In one zone, unless trainer_zones names several: that a group which spans zones scales by a metric of the group as a whole
# is what Google's pages say of late and denied before. No target_size: that is the autoscaler's.
resource "google_compute_instance_group_manager" "trainer" {
  count              = local.trainer_spans ? 0 : 1
  name               = local.trainer_group_name
  base_instance_name = local.trainer_group_name
  zone               = var.zone

  version {
    instance_template = google_compute_instance_template.trainer.self_link_unique
  }

  # A new release reaches machines as they come; those at work finish on the old one.
  update_policy {
    type           = "OPPORTUNISTIC"
    minimal_action = "REPLACE"
  }

  auto_healing_policies {
    health_check      = google_compute_health_check.trainer.id
    initial_delay_sec = 1200 # the driver may be installed first, or a container of another release pulled
  }
}

resource "google_compute_autoscaler" "trainer" {
  count  = local.trainer_spans ? 0 : 1
  name   = local.trainer_group_name
  target = google_compute_instance_group_manager.trainer[0].id
  zone   = var.zone

  autoscaling_policy {
    min_replicas    = 0
    max_replicas    = var.trainer_max_machines
    cooldown_period = 300

    # For so long the size follows the largest backlog seen, half an hour at most. Shorter than the time a machine idles, or
    # the group would make a machine anew that has just removed itself; messages of its last job are long gone by then.
    stabilization_period = 60

    # The autoscaler would choose a machine to delete without asking whether it is busy. Idle ones leave by themselves.
    mode = "ONLY_SCALE_OUT"

    # Messages count until they are acknowledged, those at work included, so a machine is wanted until its job is done.
    metric {
      name                       = "pubsub.googleapis.com/subscription/num_undelivered_messages"
      filter                     = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = \"${google_pubsub_subscription.live["jobs"].name}\""
      single_instance_assignment = local.trainer_workers
    }
  }
}

# The same over several zones of the region, where that is asked for: machines are made where there is room.
resource "google_compute_region_instance_group_manager" "trainer" {
  count                            = local.trainer_spans ? 1 : 0
  name                             = local.trainer_group_name
  base_instance_name               = local.trainer_group_name
  region                           = var.region
  distribution_policy_zones        = var.trainer_zones
  distribution_policy_target_shape = "BALANCED" # by where there is room, and evenly where there is plenty

  version {
    instance_template = google_compute_instance_template.trainer.self_link_unique
  }

  update_policy {
    type                         = "OPPORTUNISTIC"
    minimal_action               = "REPLACE"
    instance_redistribution_type = "NONE" # or a busy machine may be deleted for the sake of evenness
  }

  auto_healing_policies {
    health_check      = google_compute_health_check.trainer.id
    initial_delay_sec = 1200 # the driver may be installed first, or a container of another release pulled
  }

  lifecycle {
    precondition {
      condition     = alltrue([for zone in var.trainer_zones : startswith(zone, "${var.region}-")])
      error_message = "Every zone of trainer_zones has to lie in the region."
    }
    precondition {
      condition     = var.trainer_idle_s >= 1200
      error_message = "With trainer_zones set trainer_idle_s to 1200 or more: the size follows the largest backlog of ten minutes, so a machine that leaves sooner is made anew."
    }
  }
}

resource "google_compute_region_autoscaler" "trainer" {
  count  = local.trainer_spans ? 1 : 0
  name   = local.trainer_group_name
  target = google_compute_region_instance_group_manager.trainer[0].id
  region = var.region

  # As above, but for the stabilization period, which is ten minutes here.
  autoscaling_policy {
    min_replicas    = 0
    max_replicas    = var.trainer_max_machines
    cooldown_period = 300
    mode            = "ONLY_SCALE_OUT"

    metric {
      name                       = "pubsub.googleapis.com/subscription/num_undelivered_messages"
      filter                     = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = \"${google_pubsub_subscription.live["jobs"].name}\""
      single_instance_assignment = local.trainer_workers
    }
  }
}

# To leave, a machine asks its group to delete it, by its own account, which containers do not reach. Compute Engine has no permissions on a single group, nor conditions that
# name one, so this reaches every group of the project: a reason to give convtailor a project of its own.
resource "google_project_iam_custom_role" "leaver" {
  role_id = "${replace(var.prefix, "-", "_")}leaver"
  title   = "convtailor: leaves its instance group"
  permissions = [
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.update",
    "compute.zoneOperations.get",
  ]
  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "machine_leaves" {
  project = var.project
  role    = google_project_iam_custom_role.leaver.id
  member  = google_service_account.machine.member
}
