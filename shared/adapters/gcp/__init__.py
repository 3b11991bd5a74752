"""Adapters for Google Cloud: Firestore, Pub/Sub, Cloud Storage."""
