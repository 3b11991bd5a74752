"""The HTTP API of a server as Python calls; nothing here prints."""
