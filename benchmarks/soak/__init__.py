"""Many small jobs while all is killed, stopped, filled and locked, then what was kept; no service is changed for it."""
