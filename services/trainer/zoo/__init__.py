"""The backbones: what they are, where their weights come from, how networks are built of them."""
