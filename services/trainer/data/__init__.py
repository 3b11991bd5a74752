"""From a zip to a memory-mapped, split, clean data set; nothing here knows a network."""
