"""Back-ends that need nothing but a folder: SQLite and files."""
