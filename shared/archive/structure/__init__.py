"""What the folders of an archive say that it is, judged by names and numbers alone; no pixel is looked at here."""
