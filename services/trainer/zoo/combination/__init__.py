"""Several backbones as one that sees what each of them sees; nothing here chooses which."""
