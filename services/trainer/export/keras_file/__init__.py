"""The network as a file of Keras, written and read again as its owner reads it; nothing here knows of other formats."""
