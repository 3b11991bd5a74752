"""Objects in Cloud Storage, signed URLs and news of uploads; no other product of Google is spoken with here."""
