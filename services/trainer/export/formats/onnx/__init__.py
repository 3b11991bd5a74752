"""From layers of Keras to a file of ONNX; nothing here loads or runs one."""
