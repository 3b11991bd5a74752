"""A network as nodes with operators of ONNX, channels first; nothing here writes a file, nor needs what writes one."""
