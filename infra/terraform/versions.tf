terraform {
  required_version = ">= 1.11" # write-only arguments keep the SendGrid key out of the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7" # ephemeral passwords
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
  zone    = var.zone

  # Budgets are charged to a project too, and a person's own credentials name none.
  billing_project       = var.project
  user_project_override = true

  default_labels = { app = "convtailor" }
}

data "google_project" "this" {
  project_id = var.project
}
