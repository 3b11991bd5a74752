"""Connections of a server, from the first byte to the last: collected, paced, refused; no route, no word of a body."""
