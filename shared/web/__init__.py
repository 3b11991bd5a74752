"""What every HTTP service of ours shares: server, access log, shape of errors. No route, no word of one service."""
