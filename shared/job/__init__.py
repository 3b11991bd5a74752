"""What is true of a job, pure: states, options, claims, events, progress, result; no store and no bus."""
