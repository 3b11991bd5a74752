"""Adapters for Google Cloud, a package for each of its products; what is true of every back-end is in the ports."""
