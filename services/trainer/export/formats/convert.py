"""Writes the other formats of a delivered network, one after the other; runs in the process that verified it."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.order import Conversion, Converted
from services.trainer.export.formats.squares_model import SquaresModel, from_squares
from services.trainer.export.keras_file.opened_network import NetworkReader
from services.trainer.run.accelerator import as_traced
from shared.layout import FILE_NAMES, Artefact

_MAX_CHARACTERS = 300


def convert(
    conversion: Conversion, reader: NetworkReader, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Converted]:
    """Classify the pictures, then write every target; yield as soon as each is done.

    Args:
        conversion: See there.
        reader: Opens the network, or has it open.
        monotonic: Seconds on a clock that nobody sets.
    """
    network = reader.open(conversion.model)
    pictures = [read_pixels(path) for path in conversion.pictures]
    with as_traced():
        answers = network.score(pictures).tolist() if pictures else []
    yield Converted(answers=tuple(map(tuple, answers)))
    squares: SquaresModel | None = None
    for target in conversion.targets:
        started = monotonic()
        error = None
        try:
            squares = squares or from_squares(network.model, conversion.side_px)
            _WRITERS[target.name](squares, target)
        except Inexpressible as reason:
            error = str(reason)
        except Exception as fault:  # noqa: BLE001 - converters raise what they like, and no format is owed
            error = f"{type(fault).__name__}: {fault}"[:_MAX_CHARACTERS]
        yield Converted(target=target, seconds=monotonic() - started, error=error)


def _write_onnx(squares: SquaresModel, path: Path) -> None:
    from services.trainer.export.formats.onnx.writer import write_onnx  # noqa: PLC0415 - onnx may be missing

    write_onnx(squares, path)


def _write_tflite(squares: SquaresModel, path: Path, *, half: bool) -> None:
    from services.trainer.export.formats.tflite.writer import write_tflite  # noqa: PLC0415 - likewise

    write_tflite(squares, path, half=half)


def _write_coreml(squares: SquaresModel, path: Path) -> None:
    from services.trainer.export.formats.coreml.writer import write_coreml  # noqa: PLC0415 - likewise

    write_coreml(squares, path)


_WRITERS: Mapping[str, Callable[[SquaresModel, Path], None]] = {
    FILE_NAMES[Artefact.MODEL_ONNX]: _write_onnx,
    FILE_NAMES[Artefact.MODEL_TFLITE]: partial(_write_tflite, half=False),
    FILE_NAMES[Artefact.MODEL_TFLITE_FLOAT16]: partial(_write_tflite, half=True),
    FILE_NAMES[Artefact.MODEL_COREML]: _write_coreml,
}
"""By the name of the file."""
