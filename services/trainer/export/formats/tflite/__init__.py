"""``model.tflite``, operator by operator; nothing here knows of other formats, and nothing of how a file is tried."""
