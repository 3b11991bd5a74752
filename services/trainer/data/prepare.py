"""From a zip to a :class:`Dataset`: judge it, decode every image once, find copies, split.

The rows of the arrays are written in the order of class and path, so nothing depends on the order of the archive. An
attempt that comes after another takes over what that one decided, and decodes only what is used.
"""

import hashlib
import logging
import shutil
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.trainer.data import assignment
from services.trainer.data.archive import ImageArchive, open_images
from services.trainer.data.assignment import (
    MOST_NAMED,
    Assignment,
    Fewer,
    Findings,
    findings_of,
    groups_of,
    parts_of,
    telling_of,
)
from services.trainer.data.copies.groups import alike_groups
from services.trainer.data.copies.look import THUMBNAIL_PX
from services.trainer.data.copies.search import HASHING_VERSION, Pairs, near_pairs
from services.trainer.data.dataset import Dataset, Split, images_path, load, rows_of, save
from services.trainer.data.decoded_images import DecodedImages
from services.trainer.data.decoding import decode_all
from services.trainer.data.grouping import given_groups, grouped_remarks
from services.trainer.data.pictures.image import DECODING_VERSION, ImageLimits
from services.trainer.data.pictures.square_file import SquareFile
from services.trainer.data.repetition import near_duplicates
from services.trainer.data.split import SPLIT_VERSION, Alike, split_alike, split_as_made
from services.trainer.run.context import Run, Stopped
from services.trainer.run.identity import RunKey, file_sha256
from shared.archive.corrected import corrected_plan
from shared.archive.entry import Entry
from shared.archive.rules import LAYOUT_VERSION
from shared.archive.safety import ArchiveLimits, listed
from shared.errors import UserFault
from shared.job.options import UNGROUPED, JobOptions, SplitChoice
from shared.job.progress import Progress
from shared.job.retraining.handover import Handover

logger = logging.getLogger(__name__)

DATA_VERSION = f"{DECODING_VERSION}.{HASHING_VERSION}.{SPLIT_VERSION}.{LAYOUT_VERSION}"
"""Of all that makes a data set of an archive."""


def identify(archive: Path, options: JobOptions, handover: Handover | None = None) -> RunKey:
    """Return what decides the data set of a run.

    Args:
        archive: The zip on the local disk; all of its bytes are read.
        options: The person's choices; few of them touch the data.
        handover: Corrections, and the split that another job handed on.
    """
    return RunKey(
        archive_sha256=file_sha256(archive),
        data_version=DATA_VERSION,
        min_image_px=options.min_image_px,
        max_image_px=options.max_image_px,
        seed=options.seed,
        group_by="" if options.group_by == UNGROUPED else options.group_by,
        split="" if options.split is SplitChoice.OWN else options.split,
        handover_sha256="" if handover is None else handover.digest,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """One preparation: the archive, what decides the outcome, where and at which sizes it is written, and how much."""

    archive: Path
    run: Run
    key: RunKey
    sizes_px: tuple[int, ...]
    directory: Path
    handover: Handover | None = None
    is_for_learning: bool = True
    without: frozenset[str] = frozenset()

    @property
    def is_mixed(self) -> bool:
        """Tell whether parts of a split are put together."""
        return self.key.split == SplitChoice.NEW


def prepare(
    archive: Path, run: Run, *, key: RunKey, sizes_px: Sequence[int], handover: Handover | None = None
) -> Dataset:
    """Prepare the data set of a run, or load it if an earlier attempt finished it here.

    An earlier attempt's decision about every entry of the archive, which the ledger has, is taken over as it stands.

    Args:
        archive: The zip on the local disk.
        run: Its directory takes the arrays; its ledger has the split, or takes it.
        key: Decides the data set; see :func:`identify`.
        sizes_px: Side lengths of the candidates' inputs.
        handover: Corrections, and the split that another job handed on; see :func:`identify`.

    Raises:
        UserFault: If the archive is unusable, or a class has too few images once unusable ones are left out.
        Stopped: If the run is to stop before all images are decoded.
    """
    order = _Order(
        archive=archive,
        run=run,
        key=key,
        sizes_px=tuple(sorted(set(sizes_px))),
        directory=run.directory / "dataset",
        handover=handover,
    )
    ledger = run.ledger.of(key.facts)
    known = assignment.recall(ledger)
    if known is not None:
        finished = load(order.directory, key=key, split_sha256=known.sha256, sizes_px=order.sizes_px)
        dataset = finished or _repeated(order, known)
        if dataset is not None:
            return dataset
    dataset, made = _made(order)
    assignment.record(ledger, made)
    save(dataset)
    return dataset


def prepare_held_out(
    archive: Path,
    run: Run,
    *,
    key: RunKey,
    px: int,
    known: Assignment,
    fewer: Fewer = Fewer(),  # noqa: B008 - frozen
    handover: Handover | None = None,
) -> Dataset:
    """Prepare only what a finished network is judged by: validation and test, at its input size.

    Images that were learnt from have their rows, labels and paths, but no pixels. Where an earlier attempt's whole data
    set lies on this machine, that is used.

    Args:
        archive: The zip on the local disk.
        run: Is not asked whether to stop: there is no shorter way to a delivery.
        key: See :func:`prepare`.
        px: Side length of the network's input.
        known: What the earlier attempt decided.
        fewer: What the network was trained without, because its attempt could not read it.
        handover: See :func:`prepare`.

    Raises:
        UserFault: ``training_lost``, if nothing of a part can be read here: nobody could say how good a network is.
    """
    order = _Order(
        archive=archive,
        run=replace(run, stop_reason=lambda: None),
        key=key,
        sizes_px=(px,),
        directory=run.directory / "held_out",
        handover=handover,
        is_for_learning=False,
        without=fewer.paths,
    )
    if not fewer.missing:
        finished = load(run.directory / "dataset", key=key, split_sha256=known.sha256, sizes_px=order.sizes_px)
        if finished is not None:
            return finished
    dataset = replace(_decoded_anew(order, telling_of(fewer, known)), missing=fewer.missing)
    if not len(dataset.split.validation) or not len(dataset.split.test):
        raise UserFault(
            "training_lost",
            "A network was found, but of the photographs that were set aside to judge it none can be read here.",
            fix="Submit the archive again; if it ends like this once more, tell whoever runs this service.",
        )
    return dataset


def _repeated(order: _Order, known: Assignment) -> Dataset | None:
    """Decode what an earlier attempt used, split as it was; ``None`` where too little of it can be read here."""
    dataset = _decoded_anew(order, known)
    # A group, a folder, or what is moved to no other class may be all that a class has.
    may_lack = order.key.group_by or order.handover is not None or dataset.own is not None
    if not dataset.is_whole and not may_lack:
        logger.warning("earlier split ignored", extra={"reason": "a class has too few images left of it"})
        return None
    # Answers of before were to other images, and stand in other rows: nothing can be compared with them.
    fewer = _fewer(dataset, known)
    dataset = replace(dataset, missing=fewer.missing)
    if fewer.files:
        assignment.record_fewer(order.run.ledger.of(known.facts_with(order.key)), fewer)
    save(dataset)
    return dataset


def _fewer(dataset: Dataset, known: Assignment) -> Fewer:
    """Return what is missing here; nothing where all that an earlier attempt used is there.

    Of more than are named nobody could say which they were: then there is their digest alone.
    """
    new = dataset.quarantined[len(known.findings.quarantined) :]
    if not new:
        return Fewer()
    paths = sorted(each.path for each in new)
    num_new = (dataset.num_quarantined or 0) - known.findings.num_left_out
    return Fewer(
        missing=hashlib.sha256("\0".join(paths).encode()).hexdigest(), files=new if len(new) == num_new else ()
    )


def _decoded_anew(order: _Order, known: Assignment) -> Dataset:
    """Decode what an earlier attempt used, split as it was; what cannot be read here is told among its findings."""
    decoded = _decode_all(order, known)
    unreadable = tuple(decoded.quarantined)
    if unreadable:
        paths = [each.path for each in unreadable]
        logger.warning("images of the earlier split cannot be read here", extra=listed(paths))
    findings = replace(
        known.findings,
        quarantined=(*known.findings.quarantined, *unreadable[:MOST_NAMED]),
        num_quarantined=known.findings.num_left_out + len(unreadable),
    )
    return _dataset(order, decoded, known, findings)


def _made(order: _Order) -> tuple[Dataset, Assignment]:
    """Decode the archive, group near-duplicates and split."""
    monotonic = order.run.countdown.monotonic
    started = monotonic()
    # The archive is known to _decode_all alone: its table of contents leaves the memory before copies are looked for.
    given = _handed_on(order)
    decoded = _decode_all(order, given, is_first=True)
    image_s = (monotonic() - started) / max(1, len(decoded.labels))
    labels = np.array(decoded.labels, np.int32)
    thumbnails = np.load(_thumbnails_path(order.directory), mmap_mode="r")
    hashes, looks = np.array(decoded.hashes, np.uint64), np.array(decoded.looks, np.float32).reshape(-1, 2)
    pairs = near_pairs(hashes, looks, thumbnails, decoded.paths, between=lambda: _check(order))
    groups = alike_groups(pairs, len(labels))
    split = _split(order, pairs, decoded, labels) if given is None else given.split_of(decoded.entries)
    parts = parts_of(split, decoded.entries, num_entries=decoded.num_entries)
    found = replace(
        near_duplicates(groups, labels, split, paths=decoded.paths, classes=decoded.classes),
        exact=decoded.num_exact,
        conflicts=decoded.conflicts,
        num_given_way=decoded.num_given_way,
    )
    findings = findings_of(decoded.quarantined, found)
    of_entries = groups_of(groups, decoded.entries, num_entries=decoded.num_entries)
    made = Assignment(parts=parts, groups=of_entries, findings=findings, image_s=image_s)
    return _dataset(order, decoded, made, findings), made


def _split(order: _Order, pairs: Pairs, decoded: DecodedImages, labels: NDArray[np.int32]) -> Split:
    """Keep near-duplicates on one side, and whatever the person wants together; a split of the person's own is kept."""
    ranks = decoded.ranks
    alike = Alike(pairs=pairs, given=_given(order, decoded))
    if ranks is None:
        return split_alike(labels, alike, order.key.seed)
    split = split_as_made(labels, alike, ranks, order.key.seed, least=ArchiveLimits().min_images)
    decoded.give_way(np.setdiff1d(np.arange(len(labels)), rows_of(split)).tolist())
    return split


def _given(order: _Order, decoded: DecodedImages) -> NDArray[np.int64] | None:
    """Return what the person wants together; ``None`` without a rule."""
    rule = order.key.group_by
    if not rule:
        return None
    return given_groups(decoded.paths, decoded.classes, rule, decoded.own, root=decoded.root)


def _dataset(order: _Order, decoded: DecodedImages, made: Assignment, findings: Findings) -> Dataset:
    labels = np.array(decoded.labels, np.int32)
    return Dataset(
        key=order.key,
        split_sha256=made.sha256,
        directory=order.directory,
        classes=decoded.classes,
        labels=labels,
        given=_given(order, decoded),
        paths=tuple(decoded.paths),
        groups=made.groups[decoded.entries],
        split=made.split_of(decoded.entries),
        sizes_px=order.sizes_px,
        quarantined=findings.quarantined,
        num_quarantined=findings.num_left_out,
        duplicates=findings.duplicates,
        remarks=grouped_remarks(decoded.all_remarks, order.key.group_by),
        own=decoded.own_parts,
    )


def _handed_on(order: _Order) -> Assignment | None:
    """Return the split that another job handed on; groups and findings are still to be found."""
    if order.handover is None:
        return None
    with open_images(order.archive, is_mixed=order.is_mixed) as source:
        plan = corrected_plan(source.plan, order.handover.moves)
        return assignment.handed_on(plan, order.handover.parts, num_entries=source.num_entries)


def _decode_all(order: _Order, known: Assignment | None, *, is_first: bool = False) -> DecodedImages:
    """Open the archive and decode it into an empty folder."""
    if order.directory.exists():
        shutil.rmtree(order.directory)
    order.directory.mkdir(parents=True)
    with open_images(order.archive, is_mixed=order.is_mixed) as source, warnings.catch_warnings():
        # Pillow warns of odd metadata and of big pictures; the first does no harm, the second has limits of its own.
        warnings.simplefilter("ignore")
        return _decode(source, order, known, is_first=is_first)


def _decode(source: ImageArchive, order: _Order, known: Assignment | None, *, is_first: bool) -> DecodedImages:
    """Decode every image that an earlier attempt used, or every one there is, and write it at every size."""
    classes = corrected_plan(source.plan, order.handover.moves if order.handover else {}).classes
    used = [[entry for entry in every if _is_used(entry, known, order)] for every in classes.values()]
    labels = [label for label, entries in enumerate(used) for _ in entries]
    entries = [entry for entries in used for entry in entries]
    limits = ImageLimits(min_px=order.key.min_image_px, max_px=order.key.max_image_px)
    with ExitStack() as stack:
        files = [
            stack.enter_context(SquareFile(images_path(order.directory, px), px, num_images=len(entries)))
            for px in order.sizes_px
        ]
        thumbnails = SquareFile(_thumbnails_path(order.directory), THUMBNAIL_PX, num_images=len(entries))
        files.append(stack.enter_context(thumbnails))
        decoded = DecodedImages(
            list(classes),
            files,
            num_entries=source.num_entries,
            is_settled=known is not None,
            own=source.plan.own,
        )
        decoded.root, decoded.remarks = source.plan.root, source.plan.remarks
        if is_first:
            decoded.set_aside(source.plan)
        blank = None if order.is_for_learning else known
        seen = [entry for entry in entries if blank is None or not blank.is_learnt_from(entry)]
        results = decode_all(source, seen, sizes_px=order.sizes_px, limits=limits)
        stack.callback(results.close)
        for done, (entry, label) in enumerate(zip(entries, labels, strict=True), start=1):
            _check(order)
            if blank is not None and blank.is_learnt_from(entry):
                decoded.pass_over(entry, label)
            else:
                decoded.take(entry, label, next(results))
            order.run.report(Progress(phase="prepare", done=done, total=len(entries), unit="images"))
        decoded.settle()
    return decoded


def _is_used(entry: Entry, known: Assignment | None, order: _Order) -> bool:
    """Tell whether an entry is read: every one there is, or those that an earlier attempt used."""
    return known is None or (known.uses(entry) and entry.path not in order.without)


def _check(order: _Order) -> None:
    """Raise :class:`Stopped` if the run is to stop."""
    reason = order.run.stop_reason()
    if reason is not None:
        raise Stopped(reason)


def _thumbnails_path(directory: Path) -> Path:
    return directory / "thumbnails.npy"
