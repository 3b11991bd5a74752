"""Folders of results, read again: reported anew, held beside one another; nothing here trains or asks a server."""
