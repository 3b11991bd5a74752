"""Several backbones as one, and the bounds that the whole keeps to; nothing here chooses which."""
