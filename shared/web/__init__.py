"""What every HTTP service of ours shares: server, access log, error shape; no route of its own."""
