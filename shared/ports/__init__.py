"""What convtailor asks of the world; the docstrings are the law that every adapter keeps."""
