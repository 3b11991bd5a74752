"""Environments with Keras as it was, built once from the package registry and kept outside the repository.

One environment has TensorFlow; every version of Keras lies in a folder of its own, which goes first on the path.
``CONVTAILOR_COMPAT_DIR`` says where; else below the user's folder of caches.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TENSORFLOW = "tensorflow-cpu==2.18.*" if sys.platform == "linux" else "tensorflow==2.18.*"
"""Of the time of the oldest Keras, 3.9; it has wheels for Python 3.9 to 3.12."""
_UNREACHABLE = 2
"""What uv ends with where something beside the resolution failed, such as the way to the registry."""


def folder() -> Path:
    """Return where environments are kept between runs."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CONVTAILOR_COMPAT_DIR") or home / "convtailor" / "compat")


def run_with_keras(version: str, *command: str) -> str:
    """Run a Python program with an older Keras and return what it printed.

    Args:
        version: Such as ``3.9``; the newest of that series is taken.
        command: The program's file and its arguments.
    """
    python, packages = _environment(), _keras(version)
    environ = {**os.environ, "PYTHONPATH": str(packages), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([str(python), *command], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _environment() -> Path:
    place = folder() / f"python{sys.version_info.major}.{sys.version_info.minor}-{TENSORFLOW.replace('*', 'x')}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        uv("venv", "--quiet", "--python", sys.executable, str(place))
        uv("pip", "install", "--quiet", "--python", str(python), TENSORFLOW, "pillow")
        (place / "complete").touch()
    return python


def _keras(version: str) -> Path:
    place = folder() / f"keras-{version}"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        uv("pip", "install", "--quiet", "--no-deps", "--target", str(place), f"keras=={version}.*")
        (place / "complete").touch()
    return place


def uv(*arguments: str) -> None:
    """Run uv; skip where no registry can be reached."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode == _UNREACHABLE:
        pytest.skip(f"an environment with an older Keras cannot be built here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
