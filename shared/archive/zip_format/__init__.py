"""Bytes of a zip become records, names and contents, each within a bound; nothing here knows of photographs."""
