"""How the bundled backbone was made and is made again; nothing that is shipped imports it."""
