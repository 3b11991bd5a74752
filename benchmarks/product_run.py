"""convtailor as a person runs it, and any program that prints one JSON document."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def run_product(archive: Path, out: Path, options: Sequence[str], environ: Mapping[str, str]) -> dict[str, Any]:
    """Run ``convtailor run``; everything it does counts.

    Args:
        archive: The zip.
        out: Folder for the results.
        options: Of the command, such as ``--seed``.
        environ: Of the process.

    Returns:
        ``total_s`` and ``test_accuracy``.
    """
    command = ["-m", "services.onebox.cli", "run", str(archive), "--email", "a@example.org", "--out", str(out)]
    started = time.perf_counter()
    result = run_program([*command, *options, "--json"], environ)
    return {"total_s": time.perf_counter() - started, "test_accuracy": result["test"]["accuracy"]}


def run_program(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a Python program and read the one JSON document it prints."""
    finished = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, env=environ)
    document: dict[str, Any] = json.loads(finished.stdout)
    return document
