"""Turns an archive into a fitted network by two programs, a light worker and a heavy training; no HTTP, no mail."""
