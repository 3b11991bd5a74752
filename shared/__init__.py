"""What every convtailor service may know: the job, its events, the ports and their adapters."""
