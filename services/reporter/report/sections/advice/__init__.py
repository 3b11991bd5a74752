"""What to do with network and photographs next, a module for each question; nothing here says how good it is."""
