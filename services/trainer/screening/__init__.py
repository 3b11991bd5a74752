"""Which frozen backbone suits the photographs best."""
