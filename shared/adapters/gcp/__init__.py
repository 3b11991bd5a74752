"""The back-end of Google Cloud, a package for each product; nothing that is true of every back-end."""
