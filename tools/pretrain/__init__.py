"""How the bundled backbone was made, and how to make it again or carry it further."""
