"""Write the trained network as the file that travels with the package."""

import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tools.pretrain.checkpoint import CHECKPOINT_FILE
from tools.pretrain.durable import write_whole
from tools.pretrain.student import build_plain

LARGEST_FLOAT16 = float(np.finfo(np.float16).max)


def averaged_student(folder: Path, size_px: int) -> keras.Model:
    """Build the plain network for inputs of `size_px` with the averaged weights of the run in `folder`.

    Raises:
        FileNotFoundError: No checkpoint lies there.
    """
    student = build_plain(size_px)
    with np.load(folder / CHECKPOINT_FILE) as arrays:
        student.set_weights([arrays[name] for name in sorted(arrays.files) if name.startswith("average/")])
    return student


def packed(student: keras.Model) -> dict[str, NDArray[np.float16]]:
    """One float16 array per variable, keyed `index:path` in the order of `get_weights`.

    Raises:
        ValueError: A value is not finite or does not fit float16.
    """
    arrays = {}
    for number, variable in enumerate(student.variables):
        values = np.asarray(variable)
        if not np.all(np.abs(values) <= LARGEST_FLOAT16):
            raise ValueError(f"{variable.path} holds values that float16 cannot: the run has diverged, begin it anew")
        arrays[f"{number:03d}:{variable.path}"] = values.astype(np.float16)
    return arrays


def write_bundle(student: keras.Model, path: Path) -> str:
    """Write the packed weights of `student` to `path`; returns the file's SHA-256.

    Equal weights give equal files: the archive's dates are fixed.
    """
    arrays: dict[str, Any] = packed(student)
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_bundle(path: Path, size_px: int) -> keras.Model:
    """Build the plain network with the weights that `write_bundle` wrote."""
    student = build_plain(size_px)
    with np.load(path) as arrays:
        student.set_weights([arrays[name].astype(np.float32) for name in arrays.files])
    return student
