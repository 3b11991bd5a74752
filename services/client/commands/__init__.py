"""One command of the client a file: it reads its arguments, calls and prints; no HTTP of its own."""
