"""Text made of what people send, fit to be shown and small enough to be kept; no effects, nothing of jobs."""
