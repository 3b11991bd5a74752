"""What a frozen base makes of images, once per view: a pass that fills memory-mapped arrays row by row."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.data.dataset import Images, Indices, LearningSet
from services.trainer.run.deadline import Pace
from services.trainer.run.memory import is_light, let_go
from services.trainer.scratch.disk import allocate, disk_usage, is_disk_full
from services.trainer.scratch.need import FREE_DISK_SHARE
from services.trainer.screening.forward import (
    Activations,
    Forward,
    Stopwatch,
    activation_bytes,
    batch_size_for,
    compile_forward,
)
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.combination.pooled import beside, pass_of_all
from services.trainer.zoo.head import FEATURES, Floats, Reading
from services.trainer.zoo.network import Network

logger = logging.getLogger(__name__)

_COPIED_ROWS = 1024
_FILES = {1: "pooled", 2: "pooled_of_both"}
"""By views: names of the arrays of what heads read. The second holds the mean over an image and its mirror image."""


class FeatureStore:
    """What one backbone makes of a data set: pooled levels, and activations at its cut where the disk has room.

    Arrays have one row per image of the data set, and their room on the disk from the start; the one for mirror images
    is made when they are first asked for. ``build_s`` and ``exact_factor`` are for whoever builds network and pass to
    set: parts of the pace, see there.

    Args:
        network: The backbone; ``None`` where it is built only once it is asked for, by ``rebuild``.
        images: All images of the data set at its input size.
        directory: Folder of the arrays, this store's alone.
        max_activation_bytes: Room for the activations, in bytes; where they do not fit they are not kept.
        reserve_bytes: Room on the disk that the activations leave to others.
        halvings: How many times the batch is halved from the start.
        compile_pass: Makes the function that images go through.
        rebuild: Makes the network anew, after :meth:`rest`.
        backbone: Its row, where there is no network yet.
        monotonic: Seconds on a clock that nobody sets; tells how fast images go through.

    Raises:
        OSError: If the disk has no room for the features.
    """

    def __init__(
        self,
        network: Network | None,
        images: Images,
        directory: Path,
        *,
        max_activation_bytes: float,
        reserve_bytes: int = 0,
        halvings: int = 0,
        compile_pass: Callable[[Network], Forward] = compile_forward,
        rebuild: Callable[[], Network] | None = None,
        backbone: Backbone | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        row = backbone if network is None else network.backbone
        if row is None:
            raise ValueError("a store needs a network, or the row of one")
        directory.mkdir(parents=True, exist_ok=True)
        self.backbone = row
        self.build_s = 0.0
        self.exact_factor = 1.0
        self.directory = directory
        self._images = images
        self._network: Network | None = network
        self._rebuild = rebuild
        self._compile_pass = compile_pass
        self._pass: Forward | None = None if network is None else compile_pass(network)
        self._halvings = halvings
        self._most_at_once: int | None = None
        self._num_parameters: int | None = None
        self._is_done = {views: np.zeros(len(images), bool) for views in _FILES}
        self._monotonic = monotonic
        self._speed = Stopwatch(monotonic)
        self._taken_s: float | None = None
        self._pooled: dict[int, Floats] = {1: self._map(_FILES[1], (self.backbone.pooled_width,), np.float32)}
        self.activations: NDArray[np.float16] | None = None
        room = min(max_activation_bytes, FREE_DISK_SHARE * (disk_usage(directory).free_bytes - reserve_bytes))
        if network is not None and activation_bytes(network, len(images)) <= room:
            self.activations = self._kept_activations()

    @property
    def network(self) -> Network:
        """The backbone, built anew where it was at rest."""
        if self._network is None:
            if self._rebuild is None:
                raise RuntimeError(f"the network of {self.backbone.name} is gone")
            self._network = self._rebuild()
        return self._network

    @property
    def num_parameters(self) -> int:
        """Of the network."""
        if self._num_parameters is None:
            self._num_parameters = int(self.network.model.count_params())
        return self._num_parameters

    @property
    def has_features(self) -> bool:
        """Tell whether what heads read is still there."""
        return bool(self._pooled)

    @property
    def is_built(self) -> bool:
        """Tell whether images could go through at once, and the network be delivered."""
        return self._network is not None and self._pass is not None

    def rest(self) -> None:
        """Let go of the network, which takes several times its weights, until it is asked for again."""
        if self._rebuild is not None:
            self._network = self._pass = None

    @property
    def pace(self) -> Pace | None:
        """How fast it goes, as measured so far; ``None`` before the first batch."""
        image_s = self._speed.image_s or self._taken_s
        if image_s is None:
            return None
        return Pace(build_s=self.build_s, image_s=image_s, exact_factor=self.exact_factor)

    @property
    def is_pace_settled(self) -> bool:
        """Tell whether more went through than the first batch, which is slow."""
        return self._speed.is_settled

    @property
    def features(self) -> Floats:
        """What the last level makes of the images as they are, ``(num_images, feature_width)``."""
        return self.read_by(FEATURES)

    def read_by(self, reading: Reading) -> Floats:
        """Return what a head reads of all images, ``(num_images, width)``, memory-mapped; of those that are done.

        Raises:
            KeyError: If no mirror image was computed and they are asked for.
        """
        return self._pooled[reading.views][:, -self.backbone.width_of(reading.num_levels) :]

    def is_done(self, indices: Indices, *, views: int = 1) -> bool:
        """Tell whether all these images went through, in as many views."""
        return bool(self._is_done[views][indices].all())

    def compute(self, indices: Indices, *, views: int = 1, on_batch: Callable[[int], bool] = lambda _: True) -> bool:
        """Send images through the base, but for those that went through before.

        Out of memory, the batch is halved and the pass goes on.

        Args:
            indices: Which images.
            views: 1: as they are; 2: mirrored too, which needs that they are done as they are.
            on_batch: Told how many images were just done; answers whether to go on.

        Returns:
            Whether all of them are done.

        Raises:
            tensorflow.errors.ResourceExhaustedError: If a single image does not fit into memory.
            OSError: If the disk has no room for what mirror images give.
        """
        store = self._store if views == 1 else self._store_mirrored
        is_done = self._is_done[views]
        missing = indices[~is_done[indices]]
        if len(missing):
            self._forward  # noqa: B018 - built and compiled anew where it was at rest, which is no part of the pace
        self._speed.start()
        while len(missing):
            try:
                for rows, images in _read_ahead(self._images, missing, self._batch_size):
                    store(rows, images)
                    is_done[rows] = True
                    let_go(self._images, self.activations, *self._pooled.values())
                    self._speed.note(len(rows))
                    if not on_batch(len(rows)):
                        return self.is_done(indices, views=views)
            except tf.errors.ResourceExhaustedError:
                if self._batch_size == 1:
                    raise
                self._batch_size //= 2
            missing = indices[~is_done[indices]]
        return True

    def settle_pace(self, indices: Indices) -> None:
        """Send some of these images through once more where the first batch was all: it paid for what others find done.

        Args:
            indices: Which went through.
        """
        if self._speed.image_s is None or self._speed.is_settled:
            return
        again = indices[: self._batch_size]
        self._forward  # noqa: B018 - as above
        self._speed.start()
        self.forward(again)
        self._speed.note(len(again))

    def activations_of(self, indices: Indices) -> NDArray[np.float16]:
        """Return activations at the cut, kept or computed now; meant for a batch, not for a data set."""
        if self.activations is not None and self.is_done(indices):
            values = np.asarray(self.activations[indices])
            let_go(self.activations)
            return values
        return np.concatenate([_narrowed(activations) for activations, _ in self._passes(indices)])

    def keeps(self, indices: Indices) -> bool:
        """Tell whether the activations of all these images lie on the disk."""
        return self.activations is not None and self.is_done(indices)

    def forward(self, indices: Indices, *, is_mirrored: bool = False) -> tuple[Activations, Floats]:
        """Send images through the base and keep nothing; meant for a batch. Out of memory, the batch is halved.

        Args:
            indices: Which images.
            is_mirrored: Whether their left and right change places first.

        Returns:
            Activations at the cut, not rounded where the base computes in float32, and pooled levels.

        Raises:
            tensorflow.errors.ResourceExhaustedError: If a single image does not fit into memory.
        """
        parts = list(self._passes(indices, is_mirrored=is_mirrored))
        return np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts])

    @property
    def _forward(self) -> Forward:
        """The pass, compiled anew where the network was at rest."""
        if self._pass is None:
            started = self._monotonic()
            self._pass = self._compile_pass(self.network)
            self.build_s = max(self.build_s, self._monotonic() - started)
        return self._pass

    @property
    def _batch_size(self) -> int:
        """Images that go through at once."""
        if self._most_at_once is None:
            self._most_at_once = max(1, batch_size_for(self.network) >> self._halvings)
        return self._most_at_once

    @_batch_size.setter
    def _batch_size(self, most: int) -> None:
        self._most_at_once = most

    def _passes(self, indices: Indices, *, is_mirrored: bool = False) -> Iterator[tuple[Activations, Floats]]:
        """Send images through the base, never more at once than its memory allows."""
        start = 0
        while start < len(indices):
            images = np.asarray(self._images[indices[start : start + self._batch_size]])
            try:
                yield self._forward(mirrored(images) if is_mirrored else images)
                start += len(images)
            except tf.errors.ResourceExhaustedError:
                if self._batch_size == 1:
                    raise
                self._batch_size //= 2

    def take_over(self, parts: Sequence["FeatureStore"], indices: Indices) -> None:
        """Take what the parts of a combination made of images, which then need not go through again.

        Their passes are taken too, as far as they are compiled: side by side they are that of the combination.

        Args:
            parts: In the order of the combination's row; done with these images.
            indices: Which.
        """
        for start in range(0, len(indices), _COPIED_ROWS):
            rows = indices[start : start + _COPIED_ROWS]
            self._pooled[1][rows] = beside([(part.backbone, part.read_whole(rows)) for part in parts])
            self._is_done[1][rows] = True
        paces = [part.pace for part in parts]
        self._taken_s = sum(pace.image_s for pace in paces if pace is not None) if all(paces) else None
        self.build_s = sum(part.build_s for part in parts)
        self._num_parameters = sum(part.num_parameters for part in parts)
        known = [(part.backbone, part._pass) for part in parts if part._pass is not None]  # noqa: SLF001 - of its kind
        if self._pass is None and len(known) == len(parts):
            self._pass = pass_of_all(self.backbone, known)
            self._batch_size = min(part._batch_size for part in parts)  # noqa: SLF001 - likewise

    def read_whole(self, rows: Indices) -> Floats:
        """Return the pooled outputs of all levels of some images, ``(n, pooled_width)``."""
        return np.asarray(self._pooled[1][rows])

    def slim(self) -> None:
        """Keep only what heads read: the activations leave the disk, a heavy network the memory."""
        if not is_light(self.backbone.size_bytes):
            self.rest()
        if self.activations is not None:
            self.activations = None
            self._path("activations").unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the arrays, and let go of the network for good."""
        self._network = self._pass = self._rebuild = None
        self.activations = None
        self._pooled = {}
        shutil.rmtree(self.directory, ignore_errors=True)

    def _store(self, rows: Indices, images: NDArray[np.uint8]) -> None:
        activations, self._pooled[1][rows] = self._numbers(images)
        if self.activations is not None:
            self.activations[rows] = _narrowed(activations)

    def _store_mirrored(self, rows: Indices, images: NDArray[np.uint8]) -> None:
        if 2 not in self._pooled:  # noqa: PLR2004 - views
            self._pooled[2] = self._map(_FILES[2], (self.backbone.pooled_width,), np.float32)
        _, pooled = self._numbers(mirrored(images))
        self._pooled[2][rows] = (self._pooled[1][rows] + pooled) / 2

    def _numbers(self, images: NDArray[np.uint8]) -> tuple[Activations, Floats]:
        activations, pooled = self._forward(images)
        if not np.isfinite(pooled).all():
            raise ValueError(f"{self.backbone.name} returned values that are no numbers")
        return activations, pooled

    def _kept_activations(self) -> NDArray[np.float16] | None:
        """Return room for the activations, or ``None`` where somebody else took it in the same moment."""
        try:
            return self._map("activations", self.network.cut_shape, np.float16)
        except OSError as error:
            if not is_disk_full(error):
                raise
        logger.warning("no room for activations; they are computed anew", extra={"candidate": self.backbone.name})
        self._path("activations").unlink(missing_ok=True)
        return None

    def _map(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        path = self._path(name)
        mapped = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(len(self._images), *shape))
        with path.open("r+b") as file:
            allocate(file.fileno(), mapped.offset, path.stat().st_size)
        return mapped

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.npy"


def learning_rows(dataset: LearningSet) -> Indices:
    """Return the images that screening looks at: all but the test split, in ascending order."""
    rows: Indices = np.union1d(dataset.split.train, dataset.split.validation)
    return rows


def mirrored(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images ``(n, height_px, width_px, 3)`` whose left and right have changed places."""
    return np.ascontiguousarray(images[:, :, ::-1])


def _narrowed(activations: Activations) -> NDArray[np.float16]:
    """Round activations to float16; what is beyond its range stays at its end."""
    if activations.dtype == np.float16:
        return activations.astype(np.float16, copy=False)
    largest = np.finfo(np.float16).max
    return np.clip(activations, -largest, largest).astype(np.float16)


def _read_ahead(images: Images, indices: Indices, batch_size: int) -> Iterator[tuple[Indices, NDArray[np.uint8]]]:
    """Yield batches, the next one being read from the disk while the present one is computed."""
    parts = [indices[start : start + batch_size] for start in range(0, len(indices), batch_size)]
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(lambda rows: np.asarray(images[rows]), parts[0])
        for position, rows in enumerate(parts):
            batch = pending.result()
            if position + 1 < len(parts):
                pending = reader.submit(lambda rows: np.asarray(images[rows]), parts[position + 1])
            yield rows, batch
