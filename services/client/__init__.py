"""What a person meets on a terminal: commands that speak HTTP with a server; nothing here imports a service."""
