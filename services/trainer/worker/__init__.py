"""The light program: takes jobs, holds leases, watches training processes; TensorFlow never enters it."""
