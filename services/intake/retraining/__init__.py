"""A second job from the archive of a first, with corrections; nothing of HTTP lives here."""
