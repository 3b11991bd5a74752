"""What every service may know: the job, its messages, the ports and their adapters; no service is named here."""
