"""Writes the other formats of a delivered network, one after the other; runs in the process that verified it."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import keras

from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.order import Conversion, Converted
from services.trainer.export.formats.squares_model import SquaresModel, from_squares
from services.trainer.export.formats.tflite_writer import TFLiteWriter
from shared.layout import FILE_NAMES, Artefact

_MAX_CHARACTERS = 300


def convert(conversion: Conversion, monotonic: Callable[[], float] = time.monotonic) -> Iterator[Converted]:
    """Classify the pictures, then write every target; yield as soon as each is done.

    Args:
        conversion: See there.
        monotonic: Seconds on a clock that nobody sets.
    """
    model = keras.models.load_model(conversion.model, compile=False)
    answers = (model(read_pixels(path)[None], training=False)[0] for path in conversion.pictures)
    yield Converted(answers=tuple(tuple(map(float, answer)) for answer in answers))
    writers: Mapping[str, Callable[[Path], None]] | None = None
    for target in conversion.targets:
        started = monotonic()
        error = None
        try:
            writers = writers or _writers(from_squares(model, conversion.side_px))
            writers[target.name](target)
        except Inexpressible as reason:
            error = str(reason)
        except Exception as fault:  # noqa: BLE001 - converters raise what they like, and no format is owed
            error = f"{type(fault).__name__}: {fault}"[:_MAX_CHARACTERS]
        yield Converted(target=target, seconds=monotonic() - started, error=error)


def _write_onnx(squares: SquaresModel, path: Path) -> None:
    from services.trainer.export.formats.onnx.writer import write_onnx  # noqa: PLC0415 - onnx may be missing

    write_onnx(squares, path)


def _writers(squares: SquaresModel) -> Mapping[str, Callable[[Path], None]]:
    """Return what writes each format, by the name of its file; what two of them need is made once."""
    tflite = TFLiteWriter(squares)
    return {
        FILE_NAMES[Artefact.MODEL_ONNX]: partial(_write_onnx, squares),
        FILE_NAMES[Artefact.MODEL_TFLITE]: partial(tflite.write, half=False),
        FILE_NAMES[Artefact.MODEL_TFLITE_FLOAT16]: partial(tflite.write, half=True),
    }
