"""Takes jobs in: the HTTP API, signed uploads, the first look at an archive; nothing here decodes a picture."""
