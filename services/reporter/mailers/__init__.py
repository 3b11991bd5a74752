"""Ways to send a letter."""
