"""The pictures of the report as PNG bytes: numbers in, pixels out; the only place that imports matplotlib."""
