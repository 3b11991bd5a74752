"""The commands that speak with a server: each reads its arguments, calls, prints; no HTTP of their own."""
