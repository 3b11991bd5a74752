"""What an uploaded zip must look like, judged from its directory; nothing is decoded here."""
