"""Talks to a convtailor server over HTTP: submit, watch, fetch."""
