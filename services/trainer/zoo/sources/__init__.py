"""Where the weights of backbones come from, found and checked before any network is built; no Keras."""
