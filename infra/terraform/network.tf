# Trainers take no calls and need no internet: everything they talk to is Google's, and reached privately.
resource "google_compute_network" "trainer" {
  name                    = "${var.prefix}trainer"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "trainer" {
  name                     = "${var.prefix}trainer"
  network                  = google_compute_network.trainer.id
  region                   = var.region
  ip_cidr_range            = var.trainer_subnet_range
  private_ip_google_access = true
}

# The one way in is for Google's health checks, from the addresses that all of them come from.
resource "google_compute_firewall" "health" {
  name                    = "${var.prefix}trainer-health"
  network                 = google_compute_network.trainer.id
  source_ranges           = ["130.211.0.0/22", "35.191.0.0/16"]
  target_service_accounts = [google_service_account.machine.email]

  allow {
    protocol = "tcp"
    ports    = [local.health_port]
  }
}

# A person who has to look at a machine comes through Identity-Aware Proxy, from the addresses that all its tunnels have:
# gcloud compute ssh NAME --tunnel-through-iap. Off unless asked for.
resource "google_compute_firewall" "ssh" {
  count                   = var.trainer_ssh ? 1 : 0
  name                    = "${var.prefix}trainer-ssh"
  network                 = google_compute_network.trainer.id
  source_ranges           = ["35.235.240.0/20"]
  target_service_accounts = [google_service_account.machine.email]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

# A way out to the internet, for organisations that forbid the machine that builds the boot image an address of its own.
resource "google_compute_router" "trainer" {
  count   = var.trainer_nat ? 1 : 0
  name    = "${var.prefix}trainer"
  network = google_compute_network.trainer.id
  region  = var.region
}

resource "google_compute_router_nat" "trainer" {
  count                              = var.trainer_nat ? 1 : 0
  name                               = "${var.prefix}trainer"
  router                             = google_compute_router.trainer[0].name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}
