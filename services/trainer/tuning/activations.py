"""Reading kept activations in random order while memory stays flat."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.screening.features import FeatureStore
from services.trainer.zoo.head import Floats, Reading
from services.trainer.zoo.network import Network

_CHUNK_BYTES = 64 * 2**20
_MOST_MIRRORED_BYTES = 512 * 2**20
"""Memory for what is kept of mirror images."""
_AT_ONCE = 32


class Source(Protocol):
    """What a base made of images in one view: the store, or :class:`MirrorImages`."""

    @property
    def network(self) -> Network:
        """The base."""
        ...

    def activations_of(self, indices: Indices) -> NDArray[np.float16]:
        """Return activations at the cut, kept or computed now."""
        ...

    def keeps(self, indices: Indices) -> bool:
        """Tell whether those of all these images are kept."""
        ...

    def read_whole(self, rows: Indices) -> Floats:
        """Return the pooled outputs of all levels, ``(n, pooled_width)``."""
        ...


class MirrorImages:
    """What a base makes of the mirror images of some images, computed once, in memory.

    Args:
        store: Of the images as they are.
        rows: Which images, ascending.
    """

    def __init__(self, store: FeatureStore, rows: Indices) -> None:
        self._store = store
        self._rows = rows
        self._num_done = 0
        self._activations: NDArray[np.float16] | None = None
        self._pooled: Floats | None = None

    @property
    def network(self) -> Network:
        """The base."""
        return self._store.network

    def compute(self, goes_on: Callable[[], bool]) -> bool:
        """Send mirror images through the base, but for those that went through before; answer whether all have.

        Args:
            goes_on: Asked after every batch.

        Raises:
            ValueError: If there is no room for them.
        """
        if self._activations is None or self._pooled is None:
            needed_bytes = len(self._rows) * bytes_per_image(self._store)
            if needed_bytes > _MOST_MIRRORED_BYTES:
                raise ValueError(f"activations of mirror images take {needed_bytes:,} bytes, too much to be kept")
            self._activations = np.empty((len(self._rows), *self.network.cut_shape), np.float16)
            self._pooled = np.empty((len(self._rows), self.network.backbone.pooled_width), np.float32)
        while self._num_done < len(self._rows):
            part = slice(self._num_done, self._num_done + _AT_ONCE)
            activations, self._pooled[part] = self._store.forward(self._rows[part], is_mirrored=True)
            most = np.finfo(np.float16).max
            self._activations[part] = np.clip(activations, -most, most)
            self._num_done = min(len(self._rows), part.stop)
            if not goes_on():
                break
        return self._num_done == len(self._rows)

    def activations_of(self, indices: Indices) -> NDArray[np.float16]:
        """Return activations at the cut of images that are done."""
        if self._activations is None:
            raise RuntimeError("no mirror image was computed")
        return self._activations[np.searchsorted(self._rows, indices)]

    def keeps(self, indices: Indices) -> bool:  # noqa: ARG002 - as a store has it
        """Tell that whatever is done is kept."""
        return True

    def read_whole(self, rows: Indices) -> Floats:
        """Return the pooled outputs of all levels of images that are done."""
        if self._pooled is None:
            raise RuntimeError("no mirror image was computed")
        return self._pooled[np.searchsorted(self._rows, rows)]


def shuffled_views(
    sources: tuple[Source, ...], rows: Indices, *, batch_size: int, generator: np.random.Generator
) -> Iterator[tuple[Source, Indices, NDArray[np.float16]]]:
    """Yield every row once, in random order, each in a view drawn at random; a batch has images of one view.

    Args:
        sources: One for each view.
        rows: Which images.
        batch_size: Images in a batch, at most.
        generator: Decides about order and views.
    """
    if len(sources) == 1:
        for part, activations in shuffled_batches(sources[0], rows, batch_size=batch_size, generator=generator):
            yield sources[0], part, activations
        return
    shares = np.array_split(generator.permutation(rows), len(sources))
    running = [
        (source, shuffled_batches(source, share, batch_size=batch_size, generator=generator))
        for source, share in zip(sources, shares, strict=True)
        if len(share)
    ]
    while running:
        for source, batches in list(running):
            batch = next(batches, None)
            if batch is None:
                running.remove((source, batches))
            else:
                yield source, *batch


def num_batches(num_rows: int, num_views: int, batch_size: int) -> int:
    """Return how many batches :func:`shuffled_views` yields."""
    longer, rest = divmod(num_rows, num_views)
    return sum(-(-(longer + (view < rest)) // batch_size) for view in range(num_views))


def early_of(source: Source, rows: Indices, reading: Reading, width: int) -> Floats | None:
    """Return the first pooled levels of images, so many numbers of each; ``None`` where features alone are read."""
    return source.read_whole(rows)[:, :width] if reading.num_levels > 1 else None


def shuffled_batches(
    store: Source, rows: Indices, *, batch_size: int, generator: np.random.Generator
) -> Iterator[tuple[Indices, NDArray[np.float16]]]:
    """Yield every row once, in random order, in batches of nearly equal size.

    Rows are drawn over the whole data set, then read a chunk of many batches at a time in the order in which they lie
    on the disk; the next chunk is read while the present one is used.

    Args:
        store: Holds the activations, or computes them where the disk had no room.
        rows: Which images.
        batch_size: Images in a batch, at most.
        generator: Decides about the order.
    """
    batches = np.array_split(generator.permutation(rows), -(-len(rows) // batch_size))
    # What is not kept has to be computed: a batch at a time, since the next is computed while the present one is used.
    per_chunk = max(1, _CHUNK_BYTES // (batch_size * bytes_per_image(store))) if store.keeps(rows) else 1
    groups = [batches[start : start + per_chunk] for start in range(0, len(batches), per_chunk)]
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(_read, store, groups[0])
        for position, group in enumerate(groups):
            chunk = pending.result()
            if position + 1 < len(groups):
                pending = reader.submit(_read, store, groups[position + 1])
            yield from zip(group, chunk, strict=True)


def ordered_batches(store: Source, rows: Indices, *, batch_size: int) -> Iterator[tuple[Indices, NDArray[np.float16]]]:
    """Yield every row once, in the order given."""
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        yield part, store.activations_of(part)


def bytes_per_image(store: Source) -> int:
    """Return the size of the activations of one image."""
    return int(np.prod(store.network.cut_shape)) * np.dtype(np.float16).itemsize


def _read(store: Source, batches: list[Indices]) -> list[NDArray[np.float16]]:
    rows = np.concatenate(batches)
    ascending = np.argsort(rows)
    values = store.activations_of(rows[ascending])
    places = np.empty_like(ascending)
    places[ascending] = np.arange(len(rows))
    ends = np.cumsum([len(batch) for batch in batches])[:-1]
    return [values[part] for part in np.split(places, ends)]
