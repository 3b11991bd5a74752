"""What many jobs show together, such as who is next; no route, and nothing of one job alone."""
