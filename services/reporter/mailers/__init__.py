"""The ways to send a letter, one carrier a file; no word of what it says."""
