"""Weights that a Python package brings along: found among what is installed, read once, kept as plain arrays.

Such a package holds one file in PyTorch's format and nothing that has to run; see
:mod:`services.trainer.zoo.sources.torch_file`.
"""

import importlib.resources
import logging
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.efficientnet_lite import weights_in_order
from services.trainer.zoo.sources.torch_file import read_tensors

SUFFIX = ".pth"
_FOLDER = "models"
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)

logger = logging.getLogger(__name__)


def find_in_package(row: Backbone) -> Path | None:
    """Return the weights file of a row that an installed package holds, or ``None``.

    Args:
        row: Names the package and the file.
    """
    if row.package is None:
        return None
    try:
        path = importlib.resources.files(row.package) / _FOLDER / row.weights_file
    except ModuleNotFoundError:
        return None
    return path if isinstance(path, Path) and path.is_file() else None


def read_published(path: Path, row: Backbone) -> list[NDArray[np.float32]]:
    """Read a file whose hash has been checked.

    Args:
        path: In PyTorch's format, or as :func:`keep_arrays` keeps it.
        row: Whose weights they are.

    Returns:
        Arrays in the order of the network's ``get_weights``.

    Raises:
        ValueError: If the file does not hold what the network needs.
        OSError: If it cannot be read.
    """
    return weights_in_order(read_tensors(path), **_size_of(row))


def keep_arrays(path: Path, row: Backbone, cache_dir: Path) -> Path:
    """Return the same weights as plain arrays in the cache, converted now unless they lie there whole.

    Where the cache cannot be written the file itself is returned: reading it anew costs a twentieth of a second.

    Args:
        path: In PyTorch's format; its hash has been checked.
        row: Whose weights they are.
        cache_dir: Folder of downloaded weights; made where it is missing.

    Raises:
        ValueError: If the file does not hold what the network needs.
    """
    target = cache_dir / f"{path.stem}.npz"
    if _is_whole(target, row):
        return target
    arrays = read_published(path, row)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            named = {f"{position:04d}": array for position, array in enumerate(arrays)}
            np.savez(file, **named)  # type: ignore[arg-type]  # its stub takes no ** of arrays
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        logger.warning("converted weights cannot be kept", extra={"file": str(target), "reason": str(error)})
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return path
    return target


def _size_of(row: Backbone) -> dict[str, Any]:
    return {"width": row.arguments["width"], "depth": row.arguments["depth"]}


def _is_whole(path: Path, row: Backbone) -> bool:
    """Tell whether a kept file can be read to its end, which checks the sums inside, and has as many numbers."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return sum(int(arrays[key].size) for key in arrays.files) == row.parameters
    except _DAMAGE:
        return False
