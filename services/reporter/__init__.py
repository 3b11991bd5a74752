"""Tells people how their job ended: plots, report page, mail."""
