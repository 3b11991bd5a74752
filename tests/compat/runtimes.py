"""Environments with one runtime each and nothing else that could run a network, kept beside those of older Keras."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.compat.older_keras import folder, uv

BESIDE = ("pillow", "numpy")
"""All that the delivered program needs beside a runtime."""


def run_with_runtime(packages: tuple[str, ...], *command: str) -> str:
    """Run a Python program where nothing but some packages is installed and return what it printed.

    Args:
        packages: As for ``pip install``.
        command: The program's file and its arguments.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(_environment(packages)), "-I", *command], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _environment(packages: tuple[str, ...]) -> Path:
    name = "-".join([f"python{sys.version_info.major}.{sys.version_info.minor}", *packages])
    place = folder() / name.replace("=", "").replace("*", "x")
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        uv("venv", "--quiet", "--python", sys.executable, str(place))
        uv("pip", "install", "--quiet", "--python", str(python), *packages, *BESIDE)
        (place / "complete").touch()
    return python
