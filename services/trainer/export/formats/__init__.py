"""The network for other runtimes than Keras, each file tried by a process of its own; nothing here delivers."""
