"""The figures of the report, numbers in and PNG bytes out; no other place imports matplotlib."""
