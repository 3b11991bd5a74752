"""What in the files of a network an older Keras may refuse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import h5py

from services.trainer.export.keras_file.portable import KNOWN

_CONTAINERS = {"DTypePolicy", "Functional", "Sequential", "__keras_tensor__"}


def configuration(path: Path) -> Any:
    """Read the configuration out of a ``.h5`` or ``.keras``."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return json.loads(file.attrs["model_config"])
    with ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def newer_settings(document: Any) -> Iterator[str]:
    """Yield, as ``Class.setting`` or ``Class``, what stands in a configuration and the oldest Keras does not know."""
    if isinstance(document, list):
        for each in document:
            yield from newer_settings(each)
    elif isinstance(document, dict):
        name, config = document.get("class_name"), document.get("config")
        if isinstance(config, dict) and name not in _CONTAINERS:
            yield from (f"{name}.{key}" for key in config if key not in KNOWN[name]) if name in KNOWN else (name,)
        for each in document.values():
            yield from newer_settings(each)
