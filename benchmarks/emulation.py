"""Google's emulators for measurements, and a word about what is left out where there are none."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.cloud.emulator import FIRESTORE, PUBSUB, Emulator, missing_program

_VARIABLES = {PUBSUB: "PUBSUB_EMULATOR_HOST", FIRESTORE: "FIRESTORE_EMULATOR_HOST"}


def can_emulate(what: str) -> bool:
    """Tell whether this machine has the emulators; where not, print what is not measured and why.

    Args:
        what: The rows that need one.
    """
    program = missing_program()
    if program is not None:
        print(f"    skipped: {what}: needs {program}, for Google's emulators", file=sys.stderr)
    return program is None


@contextlib.contextmanager
def emulated(command: Sequence[str], folder: Path) -> Iterator[str]:
    """Run an emulator, with Google's libraries in this process and its children led to it; yield its address.

    Args:
        command: :data:`tests.cloud.emulator.PUBSUB` or ``FIRESTORE``.
        folder: Where its log and gcloud's own files go.
    """
    emulator = Emulator(command, folder)
    variable = _VARIABLES[tuple(command)]
    try:
        emulator.wait_ready()
        os.environ[variable] = emulator.address
        yield emulator.address
    finally:
        os.environ.pop(variable, None)
        emulator.stop()
