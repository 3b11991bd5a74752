"""One command of this machine a file: it reads its arguments, calls and prints; it starts no process by itself."""
