"""What a person meets on the terminal: commands that speak HTTP with a convtailor server, and live progress."""
