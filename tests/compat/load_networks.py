"""Run by an older Keras: loads every network of a folder and compares what it computes with what was computed.

``python load_networks.py FOLDER`` prints a JSON document: by file name, the largest difference of a probability.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

folder = Path(sys.argv[1])
pixels = np.load(folder / "pixels.npy")
gaps = {}
for path in sorted([*folder.glob("*.h5"), *folder.glob("*.keras")]):
    network = keras.models.load_model(path, compile=False)
    found = np.asarray(network(pixels, training=False))
    gaps[path.name] = float(np.abs(found - np.load(path.with_suffix(".npy"))).max())
print(json.dumps({"version": keras.__version__, "gaps": gaps}))
