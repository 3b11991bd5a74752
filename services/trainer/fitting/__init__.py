"""Heads fitted to what a frozen backbone made of the photographs; nothing here knows a network or opens a file."""
