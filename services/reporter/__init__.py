"""Tells people how their job ended: figures, report, mail; nothing here trains or loads a network."""
