"""The back-end that needs nothing but a folder: SQLite and files; no network."""
