"""What every HTTP service of ours shares: server, access log, shape of errors; no route, no word of one service."""
