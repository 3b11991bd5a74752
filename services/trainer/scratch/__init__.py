"""The folder on the local disk that the worker watches and training fills: what fits, and who works where; no step."""
