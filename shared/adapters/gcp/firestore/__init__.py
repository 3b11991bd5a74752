"""Jobs and heartbeats in Firestore; no other product of Google is spoken with here."""
