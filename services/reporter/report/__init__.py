"""What is said about a job and how it looks, pure; no store, no bus, no mail server."""
