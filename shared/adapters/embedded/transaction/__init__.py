"""What threads write together in one transaction of SQLite; no port and no schema."""
