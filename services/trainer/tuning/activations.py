"""Reading kept activations in random order while memory stays flat."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.screening.features import FeatureStore

_CHUNK_BYTES = 64 * 2**20


def shuffled_batches(
    store: FeatureStore, rows: Indices, *, batch_size: int, generator: np.random.Generator
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


def ordered_batches(
    store: FeatureStore, rows: Indices, *, batch_size: int
) -> Iterator[tuple[Indices, NDArray[np.float16]]]:
    """Yield every row once, in the order given."""
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        yield part, store.activations_of(part)


def bytes_per_image(store: FeatureStore) -> int:
    """Return the size of the activations of one image."""
    return int(np.prod(store.network.cut_shape)) * np.dtype(np.float16).itemsize


def _read(store: FeatureStore, batches: list[Indices]) -> list[NDArray[np.float16]]:
    rows = np.concatenate(batches)
    ascending = np.argsort(rows)
    values = store.activations_of(rows[ascending])
    places = np.empty_like(ascending)
    places[ascending] = np.arange(len(rows))
    ends = np.cumsum([len(batch) for batch in batches])[:-1]
    return [values[part] for part in np.split(places, ends)]
