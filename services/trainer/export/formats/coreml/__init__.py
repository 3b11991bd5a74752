"""``model.mlpackage.zip``, node by node; nothing here knows of layers of Keras, and nothing of how a file is tried."""
