"""The process that decodes what strangers sent, and how one speaks with it; nothing of archives and of data sets."""
