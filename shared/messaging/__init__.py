"""How messages are read, settled, pushed and sent again; no product of a bus is named here."""
