"""Facts that services tell each other, and how messages are settled and sent again; no product of a bus."""
