"""Small data sets and whole runs of the program, as a person would start them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageDraw

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[1]
SHAPES = ("circle", "cross", "square")
QUICK = ("--candidates", "tiny", "--epochs", "12", "--tune-epochs", "2", "--tune-trials", "1", "--budget-minutes", "5")


def draw(shape: str, rng: np.random.Generator, side_px: int = 64) -> Image.Image:
    """Draw a shape of the class's own colour somewhere on grainy paper."""
    grain = rng.integers(170, 256, (side_px, side_px, 3), dtype=np.uint8)
    image = Image.fromarray(grain)
    pen = ImageDraw.Draw(image)
    left, top = rng.integers(4, 20, 2).tolist()
    box = (left, top, left + int(rng.integers(26, 38)), top + int(rng.integers(26, 38)))
    colour = {"circle": (190, 30, 30), "cross": (20, 110, 40), "square": (30, 40, 170)}[shape]
    if shape == "circle":
        pen.ellipse(box, fill=colour)
    elif shape == "square":
        pen.rectangle(box, fill=colour)
    else:
        pen.line(box, fill=colour, width=9)
        pen.line((box[0], box[3], box[2], box[1]), fill=colour, width=9)
    return image


def draw_folder(folder: Path, *, per_class: int = 20, seed: int = 0) -> Path:
    """Write one folder of pictures per shape."""
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True)
        for number in range(per_class):
            draw(shape, rng).save(folder / shape / f"{number:03d}.png")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        return json.loads(self.out)


class Program:
    """``convtailor`` under way."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "services.onebox.cli", *arguments],
            cwd=cwd,
            env={**environment(cwd), **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stderr:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()

    def await_line(self, words: str, *, within_s: float = PATIENCE_S) -> None:
        """Wait until the program says something on standard error."""

        def is_said() -> bool:
            return any(words in line for line in self._lines) or self._process.poll() is not None

        with self._news:
            assert self._news.wait_for(is_said, within_s), "".join(self._lines)
            assert any(words in line for line in self._lines), "".join(self._lines)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        """Return the program and every process below it."""
        program = psutil.Process(self._process.pid)
        return [program, *program.children(recursive=True)]

    def finish(self, *, within_s: float = PATIENCE_S) -> Finished:
        """Wait for the end."""
        out = self._process.stdout.read()
        code = self._process.wait(within_s)
        self._reader.join()
        self._process.stdout.close()
        self._process.stderr.close()
        return Finished(code=code, out=out, err="".join(self._lines))


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a stranger with no network and no settings but those of all tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVTAILOR_")}
    return {
        **kept,
        **{name: os.environ[name] for name in ("CONVTAILOR_FORMATS", "CONVTAILOR_WARM_CHILD")},
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "KERAS_HOME": str(home / "keras"),
        "CONVTAILOR_DOWNLOAD": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def run_program(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, python: str = sys.executable
) -> Finished:
    """Run the program to its end, with this interpreter or :func:`tests.preloaded.python.preloaded_python`."""
    return Program(arguments, cwd=cwd, environ=environ, python=python).finish()
