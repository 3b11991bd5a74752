"""What counts as a copy of another picture, and which pictures belong together for it; no file is read here."""
