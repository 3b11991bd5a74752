"""Objects in Cloud Storage, signed URLs, news of uploads; no other product of Google is spoken with here."""
