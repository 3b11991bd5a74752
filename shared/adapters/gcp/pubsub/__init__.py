"""Events on Pub/Sub, pulled or pushed, and who may push; no other product of Google is spoken with here."""
