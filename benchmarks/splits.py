"""Every split of a data set, with features of its photographs that are computed once for all of them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.scratch_run import scratch_run
from services.trainer.data.dataset import Dataset, Indices
from services.trainer.data.prepare import identify, prepare
from services.trainer.screening.candidate import open_store
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.screen import Usable
from shared.job.options import JobOptions


def splits(
    archive: Path, usable: Usable, scratch: Path, *, seeds: Iterable[int], fill: Callable[[FeatureStore, Indices], None]
) -> Iterator[tuple[Dataset, dict[str, FeatureStore]]]:
    """Yield the split of each seed and what is kept of each network; rows stand in one order whatever the seed.

    Args:
        archive: The photographs.
        usable: Networks and their weights.
        scratch: Folder to decode into.
        seeds: Of the splits.
        fill: Computes what is to be kept of the rows that it is given, all of them; called once for each network.
    """
    stores: dict[str, FeatureStore] = {}
    for seed in seeds:
        run = scratch_run(scratch / str(seed), seed=seed)
        sizes_px = sorted({row.input_px for row, _ in usable})
        prepared = prepare(archive, run, key=identify(archive, JobOptions(seed=seed)), sizes_px=sizes_px)
        if not stores:
            stores = {row.name: open_store(prepared.learning, run, row, weights) for row, weights in usable}
            for store in stores.values():
                fill(store, np.arange(prepared.num_images))
        yield prepared, stores
