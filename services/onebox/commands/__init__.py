"""One command of this machine a file: it reads its arguments, calls, prints; no HTTP of its own."""
