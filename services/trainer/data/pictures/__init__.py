"""One picture, from the bytes of its file to squares on the disk; nothing here knows an archive or a class."""
