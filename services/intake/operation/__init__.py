"""What operators do to a job whose token they do not have, by a key of theirs; no route, and nothing of many jobs."""
