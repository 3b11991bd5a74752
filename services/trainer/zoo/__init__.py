"""The backbones: what they are and how networks are built of them; nothing here knows a photograph."""
