"""Which frozen backbone suits the photographs best; nothing here changes a weight of a backbone."""
