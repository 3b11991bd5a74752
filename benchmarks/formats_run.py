"""``python -m benchmarks.formats_run``: writes a network, or all formats of one, and tells this process's peak memory.

Weights are random: what formats take does not depend on what they know. One line of JSON is printed.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

from services.trainer.zoo.catalogue import BACKBONES
from shared.layout import FILE_NAMES, OTHER_FORMATS
from tests.peak_memory import peak_bytes

NUM_CLASSES = 10


def main() -> None:
    """Read the command line, work, print peaks in bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path, help="ends in .keras; written where it is missing, else converted")
    parser.add_argument("--backbone", required=True, help="its name")
    arguments = parser.parse_args()
    answer = _convert if arguments.network.exists() else _write
    json.dump(answer(arguments.network, arguments.backbone), sys.stdout)


def _write(path: Path, name: str) -> dict[str, int]:
    from services.trainer.export.keras_file import portable
    from services.trainer.zoo.head import Head
    from services.trainer.zoo.network import build, complete

    row = BACKBONES[name]
    kernel = np.zeros((row.feature_width, NUM_CLASSES), np.float32)
    portable.save(complete(build(row, None), Head(kernel=kernel, bias=np.zeros(NUM_CLASSES, np.float32))), path)
    return {"size_bytes": path.stat().st_size}


def _convert(path: Path, name: str) -> dict[str, int]:
    """Do what the verifying process does once it has verified."""
    from services.trainer.export.formats.convert import convert
    from services.trainer.export.formats.order import Conversion
    from services.trainer.export.keras_file.opened_network import NetworkReader

    reader = NetworkReader()
    reader.open(path)
    opened_bytes = peak_bytes(os.getpid())
    targets = tuple(path.with_name(FILE_NAMES[each]) for each in OTHER_FORMATS.values())
    conversion = Conversion(model=path, side_px=BACKBONES[name].input_px, pictures=(), targets=targets)
    faults = [each.error for each in convert(conversion, reader) if each.error is not None]
    if faults:
        raise SystemExit(faults[0])
    return {"opened_bytes": opened_bytes, "peak_bytes": peak_bytes(os.getpid())}


if __name__ == "__main__":
    main()
