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
  target_service_accounts = [google_service_account.trainer.email]

  allow {
    protocol = "tcp"
    ports    = [local.health_port]
  }
}
