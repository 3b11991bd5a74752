# Where -----------------------------------------------------------------------------------------------------------------

variable "project" {
  description = "Id of the Google Cloud project. Give convtailor one of its own: some permissions cannot be granted on less than a project."
  type        = string
}

variable "region" {
  description = "Region of everything. Choose one that has the trainer's GPU: gcloud compute accelerator-types list."
  type        = string
  default     = "europe-west4"
}

variable "zone" {
  description = "Zone of the trainers, in that region."
  type        = string
  default     = "europe-west4-a"
}

variable "prefix" {
  description = "What every name begins with, ending in a hyphen, so that a project can hold several installations."
  type        = string
  default     = "convtailor-"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,17}-$", var.prefix))
    error_message = "Lower-case letters, digits and hyphens, a letter first and a hyphen last, at most 19 characters."
  }
}

# What ------------------------------------------------------------------------------------------------------------------

variable "release" {
  description = "Tag of the images to run, as given to make images."
  type        = string
}

variable "point_in_time_recovery" {
  description = "Whether the database of jobs can be taken back to any minute of the last seven days; what a person asked to be deleted stays there for as long."
  type        = bool
  default     = false
}

variable "kms_key" {
  description = "Key of Cloud KMS in the region that encrypts buckets and database; none leaves that to Google. Firestore takes one at its creation only."
  type        = string
  default     = null
}

variable "price_per_hour" {
  description = "What an hour of a trainer costs, in whatever currency, or one price for each machine type, such as \"g2-standard-8=0.9,g2-standard-24=2.1\"; people can then cap what a job costs, and are told what it did. Empty: not known."
  type        = string
  default     = ""
}

variable "settings" {
  description = "Further variables of docs/settings.md, told to every service, such as { CONVTAILOR_LOG_LEVEL = \"DEBUG\" }; those that this configuration sets itself win. No secrets: they would stand in the state."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "CONVTAILOR_")])
    error_message = "Every name begins with CONVTAILOR_."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the services and the database with the jobs."
  type        = bool
  default     = true
}

# Intake ----------------------------------------------------------------------------------------------------------------

variable "public" {
  description = "Whether everybody may call intake; otherwise only those who are granted roles/run.invoker."
  type        = bool
  default     = false
}

variable "public_url" {
  description = "Address under which people reach intake, if it is not the one that Cloud Run gives it."
  type        = string
  default     = null
}

variable "cors_origins" {
  description = "Web pages that may upload from a browser. A signed URL is all the authority there is and no cookie is sent, so any page may."
  type        = list(string)
  default     = ["*"]
}

variable "require_key" {
  description = "Whether jobs are taken of those with an API key only; convtailor keys makes them."
  type        = bool
  default     = false
}

variable "confirm_addresses" {
  description = "Whether people without an API key have to confirm their address by a click before anything is done with a job. Leave it on where public is."
  type        = bool
  default     = true
}

variable "trusted_domains" {
  description = "Domains whose addresses need no click."
  type        = list(string)
  default     = []
}

variable "jobs_per_network_hour" {
  description = "Most jobs within an hour of callers without an API key from one network; 0: no limit."
  type        = number
  default     = 10
}

variable "jobs_per_address_day" {
  description = "Most jobs within a day for one mail address, by callers without an API key; 0: no limit."
  type        = number
  default     = 10
}

variable "bytes_per_network_day" {
  description = "Most bytes of archives within a day of callers without an API key from one network; 0: no limit."
  type        = number
  default     = 21474836480
}

variable "forwarded_hops" {
  description = "Proxies that tell intake who calls: 1 is Cloud Run's own, 2 with a load balancer before it."
  type        = number
  default     = 1
}

variable "max_jobs" {
  description = "Most jobs that may be open at a time; more are answered 429. 0: no limit."
  type        = number
  default     = 0
}

variable "link_key_version" {
  description = "Raise by one to replace the key of links in mails; links made with the key before go on to work."
  type        = number
  default     = 1
}

variable "max_upload_bytes" {
  description = "Largest archive taken, in bytes."
  type        = number
  default     = 4294967296
}

variable "intake_max_instances" {
  description = "Most instances of intake at a time; each serves 8 requests."
  type        = number
  default     = 10
}

variable "archive_days" {
  description = "Days after the end of a job for which its photographs are kept; 0: they are deleted when it ends."
  type        = number
  default     = 0

  validation {
    condition     = var.archive_days >= 0 && var.archive_days <= 365
    error_message = "0 to 365 days."
  }
}

variable "most_archive_days" {
  description = "Days for which people may have the photographs of a job kept, by its option keep_photos_days; 0: no longer than others."
  type        = number
  default     = 30

  validation {
    condition     = var.most_archive_days >= 0 && var.most_archive_days <= 365
    error_message = "0 to 365 days."
  }
}

variable "artefact_days" {
  description = "Days after the end of a job for which its networks, result and report are kept, and the address of its person. Firestore forgets a job after 365 days; then nobody knows whose they were."
  type        = number
  default     = 30

  validation {
    condition     = var.artefact_days > 0 && var.artefact_days <= 365
    error_message = "More than 0 and at most 365 days: jobs are forgotten after 365."
  }
}

# Reporter --------------------------------------------------------------------------------------------------------------

variable "mail_from" {
  description = "Address that mails come from; SendGrid has to know it as a verified sender."
  type        = string
}

variable "mail_from_name" {
  description = "Name that mails come from."
  type        = string
  default     = "convtailor"
}

variable "sendgrid_key" {
  description = "API key of SendGrid. Read from TF_VAR_sendgrid_key, handed to Secret Manager and kept nowhere else; later runs need none until sendgrid_key_version changes."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "sendgrid_key_version" {
  description = "Raise by one to replace the key."
  type        = number
  default     = 1
}

variable "sendgrid_host" {
  description = "Address of SendGrid's API; accounts in the EU have https://api.eu.sendgrid.com."
  type        = string
  default     = "https://api.sendgrid.com"

  validation {
    condition     = can(regex("^https://[^/]+$", var.sendgrid_host))
    error_message = "An address without a path."
  }
}

variable "reporter_max_instances" {
  description = "Most instances of the reporter at a time; each writes 4 reports."
  type        = number
  default     = 5
}

# Trainer ---------------------------------------------------------------------------------------------------------------

variable "trainer_machine_type" {
  description = "Machine type of the trainers: one that brings its GPUs, like g2 (L4), a2 (A100) and a3 (H100), or with trainer_gpus = 0 any other."
  type        = string
  default     = "g2-standard-8"
}

variable "trainer_gpus" {
  description = "GPUs that the machine type brings, and thus workers on each machine; 0 trains on the CPU, one worker to a machine."
  type        = number
  default     = 1
}

variable "trainer_image" {
  description = "Boot image of the trainers, as make machine-image named it; none is that of the release."
  type        = string
  default     = null
}

variable "trainer_zones" {
  description = "Zones of the region among which trainers are made where there is room, such as [\"europe-west4-a\", \"europe-west4-c\"]; none: in zone alone. They cannot be changed later without making the group anew."
  type        = list(string)
  default     = []
}

variable "trainer_nat" {
  description = "Whether machines in the trainers' network reach the internet: only where the machine that builds the boot image may have no address of its own."
  type        = bool
  default     = false
}

variable "trainer_ssh" {
  description = "Whether those with roles/iap.tunnelResourceAccessor and roles/compute.osAdminLogin may log in to trainers through Identity-Aware Proxy."
  type        = bool
  default     = false
}

variable "trainer_spot" {
  description = "Whether trainers are spot machines: a fraction of the price, taken away at 30 seconds' notice; jobs carry on elsewhere."
  type        = bool
  default     = true
}

variable "trainer_max_machines" {
  description = "Most machines at a time: the cap on what training can cost. The project's GPU quota has to allow as many."
  type        = number
  default     = 2
}

variable "trainer_idle_s" {
  description = "Seconds without a job after which a machine removes itself. A new one takes minutes to start."
  type        = number
  default     = 600
}

variable "trainer_disk_gb" {
  description = "Boot disk of a trainer: the system, the image and the decoded photographs of the jobs at work, in GB."
  type        = number
  default     = 200
}

variable "trainer_disk_type" {
  description = "Its type; newer machine types take hyperdisk-balanced only."
  type        = string
  default     = "pd-balanced"
}

variable "trainer_subnet_range" {
  description = "Private addresses of the trainers."
  type        = string
  default     = "10.130.0.0/24"
}

# Watching --------------------------------------------------------------------------------------------------------------

variable "alert_email" {
  description = "Where alerts go; none shows them in the console only."
  type        = string
  default     = null
}

variable "alert_job_age_s" {
  description = "Seconds that a job may wait and train before somebody is told; budgets of jobs reach a day."
  type        = number
  default     = 10800
}

variable "alert_failed_jobs" {
  description = "Jobs that may fail within an hour before somebody is told."
  type        = number
  default     = 0
}

variable "alert_error_frac" {
  description = "Share of requests that may end in a server error, over ten minutes, before somebody is told."
  type        = number
  default     = 0.05
}

variable "billing_account" {
  description = "Billing account of the budget; none makes no budget."
  type        = string
  default     = null
}

variable "budget_amount" {
  description = "Monthly budget of the project in whole units of the account's currency. A budget tells; it stops nothing without stop_at."
  type        = number
  default     = 100
}

variable "stop_at" {
  description = "Share of the budget at which the trainers' machines are taken away and none come any more, such as 1.0; none never does that. Needs billing_account."
  type        = number
  default     = null
}

variable "budget_thresholds" {
  description = "Shares of the budget at which somebody is told."
  type        = list(number)
  default     = [0.5, 0.9, 1.0]
}
