"""From a zip to a :class:`Dataset`: judge it, decode every image once, find copies, split.

The rows of the arrays are written in the order of class and path, so nothing depends on the order of the archive.
"""

import json
import shutil
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np

from services.trainer.data.archive import ImageArchive, open_images
from services.trainer.data.dataset import Dataset, images_path, load, save
from services.trainer.data.decoded_images import DecodedImages
from services.trainer.data.decoding import decode_all
from services.trainer.data.duplicates import THUMBNAIL_PX, group, near_pairs
from services.trainer.data.image import ImageLimits
from services.trainer.data.split import split_by_groups
from services.trainer.data.square_file import SquareFile
from services.trainer.run.context import Run, Stopped
from shared.job.progress import Progress
from shared.job.result import Duplicates


def prepare(archive: Path, run: Run, *, sizes_px: Sequence[int], limits: ImageLimits) -> Dataset:
    """Prepare the data set of a run, or load it if an earlier attempt finished it here.

    Args:
        archive: The zip on the local disk.
        run: Its directory takes the arrays, its seed decides the split.
        sizes_px: Side lengths of the candidates' inputs.
        limits: Which images are used.

    Raises:
        UserFault: If the archive is unusable, or a class has too few images once unusable ones are left out.
        Stopped: If the run is to stop before all images are decoded.
    """
    sizes_px = sorted(set(sizes_px))
    directory = run.directory / "dataset"
    made_from = json.dumps([archive.stat().st_size, run.seed, sizes_px, asdict(limits)])
    finished = load(directory, made_from=made_from)
    if finished is not None:
        return finished
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    # The archive is known to _decode_all alone: its table of contents leaves the memory before copies are looked for.
    decoded = _decode_all(archive, run, directory, sizes_px=sizes_px, limits=limits)
    dataset = _assemble(decoded, directory, seed=run.seed, sizes_px=sizes_px)
    save(dataset, made_from=made_from)
    return dataset


def _decode_all(
    archive: Path, run: Run, directory: Path, *, sizes_px: Sequence[int], limits: ImageLimits
) -> DecodedImages:
    """Open the archive and decode it."""
    with open_images(archive) as source, warnings.catch_warnings():
        # Pillow warns of odd metadata and of big pictures; the first does no harm, the second has limits of its own.
        warnings.simplefilter("ignore")
        return _decode(source, run, directory, sizes_px=sizes_px, limits=limits)


def _decode(
    source: ImageArchive, run: Run, directory: Path, *, sizes_px: Sequence[int], limits: ImageLimits
) -> DecodedImages:
    """Decode every image once and write it at every size."""
    classes = source.plan.classes
    labels = [label for label, entries in enumerate(classes.values()) for _ in entries]
    entries = [entry for entries in classes.values() for entry in entries]
    with ExitStack() as stack:
        files = [stack.enter_context(SquareFile(images_path(directory, px), px)) for px in sizes_px]
        thumbnails = stack.enter_context(SquareFile(_thumbnails_path(directory), THUMBNAIL_PX))
        decoded = DecodedImages(list(classes), files, thumbnails)
        decoded.set_aside(source.plan)
        results = decode_all(source, entries, sizes_px=sizes_px, limits=limits)
        stack.callback(results.close)
        for done, (entry, label, result) in enumerate(zip(entries, labels, results, strict=True), start=1):
            reason = run.stop_reason()
            if reason is not None:
                raise Stopped(reason)
            decoded.take(entry, label, result)
            run.report(Progress(phase="prepare", done=done, total=len(entries), unit="images"))
        decoded.settle()
    return decoded


def _assemble(decoded: DecodedImages, directory: Path, *, seed: int, sizes_px: Sequence[int]) -> Dataset:
    """Group near-duplicates and split."""
    labels = np.array(decoded.labels, np.int32)
    thumbnails = np.load(_thumbnails_path(directory), mmap_mode="r")
    hashes, looks = np.array(decoded.hashes, np.uint64), np.array(decoded.looks, np.float32).reshape(-1, 2)
    groups = group(near_pairs(hashes, looks, thumbnails), labels)
    _, sizes = np.unique(groups, return_counts=True)
    return Dataset(
        directory=directory,
        classes=decoded.classes,
        labels=labels,
        paths=tuple(decoded.paths),
        split=split_by_groups(labels, groups, seed),
        sizes_px=tuple(sizes_px),
        quarantined=tuple(decoded.quarantined),
        duplicates=Duplicates(exact=decoded.num_exact, near_groups=int((sizes > 1).sum()), conflicts=decoded.conflicts),
    )


def _thumbnails_path(directory: Path) -> Path:
    return directory / "thumbnails.npy"
