"""What a delivery weighs, what the formats beside Keras cost a run, and how fast each runtime classifies."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from benchmarks.figure import Figure
from benchmarks.material import dataset
from benchmarks.product_run import run_program
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.runtimes import Look, open_keras, open_onnx, open_tflite
from shared.layout import FILE_NAMES, Artefact

NUM_PICTURES = 60
NUM_IN_INBOX = 193
_MB = 1e6
_OPENERS: dict[Artefact, Callable[[Path], Look]] = {
    Artefact.MODEL_ONNX: open_onnx,
    Artefact.MODEL_TFLITE: open_tflite,
    Artefact.MODEL_TFLITE_FLOAT16: open_tflite,
    Artefact.MODEL_KERAS: open_keras,
}


def measure(scratch: Path) -> list[Figure]:
    """Run convtailor once with the installed backbone, then classify its own photographs with all that it left."""
    archive, out = dataset("clothing10"), scratch / "delivery"
    command = ["-m", "services.onebox.cli", "run", str(archive), "--email", "a@example.org", "--out", str(out)]
    options = ["--candidates", "efficientnet_lite0", "--json"]
    result = run_program([*command, *options], {**os.environ, "CONVTAILOR_DOWNLOAD": "false"})
    zipped, network = ((out / FILE_NAMES[each]).stat().st_size for each in (Artefact.MODEL_ZIP, Artefact.MODEL_KERAS))
    written = ", ".join(f"{each['file']} {each['seconds']:.1f} s" for each in result["formats"])
    formats_s, analysis_s = (result["timings_s"][each] for each in ("formats", "analysis"))
    left_out = [each["file"] for each in result["formats"] if each["left_out_because"]]
    return [
        Figure(name="`model.zip`, of `model.keras`", measured=zipped / network, unit="×", at_most=3,
               note=f"{zipped / _MB:.1f} MB against {network / _MB:.1f} MB, efficientnet_lite0, clothing10"),
        Figure(name="formats and analysis, share of a run of 600 photographs", measured=formats_s + analysis_s,
               unit="s", at_most=8, note=f"clothing10: formats {formats_s:.1f} s, analysis {analysis_s:.1f} s; "
               f"written: {written}; tried beside; left out: {', '.join(left_out) or 'none'}"),
        _whole_predict(archive, out, scratch / "inbox"),
        *_speeds(archive, out),
    ]  # fmt: skip


def _whole_predict(archive: Path, folder: Path, inbox: Path) -> Figure:
    """Classify a folder from the command line: start, network, pictures and answers."""
    inbox.mkdir()
    with ZipFile(archive) as zipped:
        names = [name for name in sorted(zipped.namelist()) if not name.endswith("/")][:NUM_IN_INBOX]
        for number, name in enumerate(names):
            (inbox / f"{number}{Path(name).suffix}").write_bytes(zipped.read(name))
    command = [sys.executable, "-m", "services.onebox.cli", "predict", str(folder), str(inbox), "--csv"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figure(
        name=f"`convtailor predict` of {len(names)} photographs, all in",
        measured=seconds,
        unit="s",
        at_most=6,
        note=f"{spent:.1f} s of the processor, ONNX Runtime, {os.cpu_count()} cores",
    )


def _speeds(archive: Path, folder: Path) -> list[Figure]:
    """Classify the same pictures one by one, decoded before, as ``predict.py`` does."""
    with ZipFile(archive) as zipped:
        names = [name for name in sorted(zipped.namelist()) if not name.endswith("/")][::10][:NUM_PICTURES]
        pictures = []
        for name in names:
            with zipped.open(name) as file:
                pictures.append(read_pixels(file))
    figures = []
    for artefact, opened in _OPENERS.items():
        path = folder / FILE_NAMES[artefact]
        if path.exists():
            rate = 1 / _image_s(opened(path), pictures)
            note = f"median of {len(pictures)} photographs, one at a time, decoded before; {os.cpu_count()} cores"
            figures.append(Figure(name=f"`predict.py` with `{path.name}`", measured=rate, unit="images/s", note=note))
    return figures


def _image_s(look: Look, pictures: list[np.ndarray]) -> float:
    look(pictures[0])
    spent = []
    for picture in pictures:
        started = time.perf_counter()
        look(picture)
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)
