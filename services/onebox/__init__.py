"""Runs all services on one machine with the embedded back-ends."""
