"""What is true of a job, pure: states, options, claims, progress, result; no store and no bus."""
