"""Load an exported file with plain Keras and score pictures with it, as its owner will."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import numpy as np
import tensorflow as tf

from services.trainer.data.archive import read_files
from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.image import UnusableImage
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.check import MAX_SAME_INPUT_GAP, ExportCheck, Request, Uploaded
from services.trainer.export.keras_file.opened_network import NetworkReader, OpenedNetwork, Pixels
from services.trainer.run.accelerator import as_traced

logger = logging.getLogger(__name__)

_BATCH = 16
"""Images between two looks at the clock."""
_FEW = 100
"""Pictures for which no graph is optimised, which takes longer than it saves of them."""
_BATCH_PIXELS = 8_000_000
"""Pixels that are held at once, as far as whole images allow: as float32 they take a hundred megabytes."""
_MOST_PIXELS = 25_000_000
"""A bigger picture is not scored: the memory is the training's."""


def rescore(request: Request, reader: NetworkReader, monotonic: Callable[[], float] = time.monotonic) -> ExportCheck:
    """Score the kept squares with an exported file and compare; then the pictures as uploaded, as far as time allows.

    Args:
        request: See there.
        reader: Opens the file.
        monotonic: Seconds on a clock that nobody sets.
    """
    until = monotonic() + (request.uploaded.seconds if request.uploaded is not None else 0.0)
    try:
        network = reader.open(request.model)
        with as_traced():
            found = network.score(np.load(request.squares))
    except (OSError, ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        return ExportCheck(error=f"{type(error).__name__}: {error}"[:500])
    if not np.isfinite(found).all():
        return ExportCheck(error="it gives probabilities that are no numbers")
    gap = float(np.abs(found - np.array(request.expected, np.float64)).max())
    if request.uploaded is None or gap > MAX_SAME_INPUT_GAP:
        return ExportCheck(same_input_gap=gap)
    with as_traced() if len(request.uploaded.paths) <= _FEW else nullcontext():
        predicted = _predict(network, request.uploaded, lambda: monotonic() < until)
    return ExportCheck(same_input_gap=gap, predicted=tuple(predicted))


def raw_images(archive: Path, paths: Sequence[str]) -> Iterator[Pixels]:
    """Read pictures of an archive as the delivered program does, ``(height_px, width_px, 3) uint8`` each.

    Raises:
        KeyError: If the archive has no such picture.
        UnusableImage: If it is damaged inside the archive.
        UnreadablePicture: If it is no picture.
    """
    for data in read_files(archive, paths):
        yield read_pixels(BytesIO(data))


def _predict(network: OpenedNetwork, uploaded: Uploaded, may_go_on: Callable[[], bool]) -> list[int | None]:
    """Return the most probable class of as many pictures as there is time for; what goes wrong ends it, and no more."""
    predicted: list[int | None] = []
    try:
        for batch in _batches(uploaded.archive, uploaded.paths):
            if not may_go_on():
                break
            predicted.extend(_classes(network, batch))
    except (OSError, KeyError, UnusableImage, UnreadablePicture, MemoryError, tf.errors.OpError) as error:
        reason = f"{type(error).__name__}: {error}"[:500]
        logger.warning("scoring as uploaded ended early", extra={"reason": reason, "num_scored": len(predicted)})
    return predicted


def _batches(archive: Path, paths: Sequence[str]) -> Iterator[list[Pixels | None]]:
    """Yield pictures in order, a few at a time, as the delivered program reads them; ``None``: too big."""
    batch: list[Pixels | None] = []
    num_pixels = 0
    for pixels in raw_images(archive, paths):
        size = pixels.shape[0] * pixels.shape[1]
        if batch and (len(batch) == _BATCH or num_pixels + size > _BATCH_PIXELS):
            yield batch
            batch, num_pixels = [], 0
        batch.append(pixels if size <= _MOST_PIXELS else None)
        num_pixels += size
    yield batch


def _classes(network: OpenedNetwork, batch: Sequence[Pixels | None]) -> list[int | None]:
    """Score a batch."""
    predicted: list[int | None] = [None] * len(batch)
    small = {at: pixels for at, pixels in enumerate(batch) if pixels is not None}
    if small:
        found = network.score(list(small.values())).argmax(axis=1)
        for at, label in zip(small, found.tolist(), strict=True):
            predicted[at] = label
    return predicted
