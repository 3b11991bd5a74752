"""What convtailor asks of the world, the docstrings being the law that every adapter keeps; no implementation."""
