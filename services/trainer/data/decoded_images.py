"""What decoding leaves behind: pixels in files, and beside them one label, path and hash per row."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from services.trainer.data.copies.identical import Copies
from services.trainer.data.dataset import Indices
from services.trainer.data.decoders.decoded import Decoded
from services.trainer.data.pictures.depth import WINDOW
from services.trainer.data.pictures.image import UnusableImage
from services.trainer.data.pictures.square_file import SquareFile
from shared.archive.class_faults import LeftOut, class_too_small
from shared.archive.entry import Entry
from shared.archive.rules import REASONS, ArchivePlan
from shared.archive.safety import ArchiveLimits, listed
from shared.errors import Fault, UserFault
from shared.job.findings.photographs import LabelConflict, Quarantined
from shared.job.result import Remark
from shared.wording import count, enumeration

_COPY = ("identical_copy", "The same picture is there more than once, and counts once.", "Add other photographs.")
_BASES = {WINDOW: "a narrow part of 16 bits, spread"}
_CONFLICT = (
    "in_several_classes",
    "The same picture lies in several classes, so none of the copies was used.",
    "Delete it wherever it is wrong.",
)


class DecodedImages:
    """Gathers decoded images in the order they come; in arrays, so that memory hardly grows with their number.

    Args:
        classes: Names of the classes; the position is the label.
        files: Take the pixels, in the order of :attr:`Decoded.squares`, and the thumbnails last.
        num_entries: Of the archive.
        is_settled: Whether an earlier attempt has chosen these images, so that copies are no longer looked for.
    """

    def __init__(
        self, classes: Sequence[str], files: Sequence[SquareFile], *, num_entries: int, is_settled: bool = False
    ) -> None:
        self.classes = tuple(classes)
        self.num_entries = num_entries
        self.labels = array("i")
        self.paths: list[str] = []
        self.hashes = array("Q")
        self.looks = array("f")
        self.quarantined: list[Quarantined] = []
        self.conflicts: tuple[LabelConflict, ...] = ()
        self.num_exact = 0
        self.remarks: tuple[Remark, ...] = ()
        self._bases: Counter[str] = Counter()
        self._entries = array("q")
        self._files = tuple(files)
        self._copies = None if is_settled else Copies()
        self._missing: list[tuple[int, str, tuple[str, str, str]]] = []

    @property
    def entries(self) -> Indices:
        """Position in the archive's directory of every row."""
        return np.array(self._entries, np.int64)

    @property
    def all_remarks(self) -> tuple[Remark, ...]:
        """What a person should know of how folders and greys were understood."""
        return (*self.remarks, *_about_greys(self._bases))

    def set_aside(self, plan: ArchivePlan) -> None:
        """List files that were left out by name; of system files nobody wants to hear."""
        for each in plan.set_aside:
            told = REASONS.get(each.reason)
            if told is not None:
                file = Quarantined(path=each.path, code=str(each.reason), reason=told.reason, fix=told.fix)
                self.quarantined.append(file)

    def take(self, entry: Entry, label: int, result: Decoded | UnusableImage) -> None:
        """Keep an image if it can be used and is not there yet."""
        if isinstance(result, UnusableImage):
            fault = Quarantined(path=entry.path, code=result.code, reason=result.reason, fix=result.fix)
            self.quarantined.append(fault)
            self._missing.append((label, entry.path, (result.code, result.reason, result.fix)))
        elif self._is_new(entry, label, result):
            for file, pixels in zip(self._files, (*result.squares, result.thumbnail), strict=True):
                file.append(pixels)
            self._add(entry, label)
            self.hashes.append(result.perceptual_hash)
            self.looks.extend(result.look)
            self._bases[result.basis] += 1
        else:
            self._missing.append((label, entry.path, _COPY))

    def pass_over(self, entry: Entry, label: int) -> None:
        """Keep the place of an image whose pixels nobody will look at."""
        for file in self._files:
            file.skip()
        self._add(entry, label)

    def _add(self, entry: Entry, label: int) -> None:
        self._entries.append(entry.index)
        self.labels.append(label)
        self.paths.append(entry.path)

    def _is_new(self, entry: Entry, label: int, result: Decoded) -> bool:
        return self._copies is None or self._copies.admit(
            result.digest, row=len(self.labels), label=label, path=entry.path
        )

    def settle(self) -> None:
        """Give up pictures that stand in several classes, once all have come; not if that was settled before.

        Raises:
            UserFault: ``class_too_small``, if a class has too few images left.
        """
        if self._copies is None:
            return
        self.num_exact, self.conflicts, contested = self._copies.settle(self.labels, self.paths)
        if contested:
            for file in self._files:
                file.drop(contested)
        self._missing += [(self.labels[row], self.paths[row], _CONFLICT) for row in contested]
        for row in reversed(contested):
            del self._entries[row], self.labels[row], self.paths[row], self.hashes[row]
            del self.looks[2 * row : 2 * row + 2]
        fault = self._shortage(ArchiveLimits().min_images)
        if fault is not None:
            raise UserFault.of(fault)

    def _shortage(self, min_images: int) -> Fault | None:
        """Tell which classes are too small now, and which of their files could not be used."""
        sizes = dict.fromkeys(self.classes, 0)
        for label in self.labels:
            sizes[self.classes[label]] += 1
        small = {name: size for name, size in sizes.items() if size < min_images}
        if not small:
            return None
        contested = {path for conflict in self.conflicts for path in conflict.paths}
        missing = [each for each in self._missing if self.classes[each[0]] in small]
        reasons = [
            LeftOut(class_name=self.classes[label], code=code, reason=reason, fix=fix)
            for label, path, told in missing
            for code, reason, fix in [_CONFLICT if path in contested else told]
        ]
        fault = class_too_small(small, reasons, min_images=min_images)
        details = {**fault.details, **listed([path for _, path, _ in missing])} if missing else fault.details
        return replace(fault, details=details)


def _about_greys(bases: Mapping[str, int]) -> list[Remark]:
    """Tell of pictures whose files do not say which value is white."""
    judged = {basis: number for basis, number in sorted(bases.items()) if basis}
    if not judged:
        return []
    told = enumeration([f"{_BASES.get(basis, basis)} ({number:,})" for basis, number in judged.items()])
    num = sum(judged.values())
    message = (
        f"{count(num, 'photograph holds', 'photographs hold')} values of more than 8 bits, and the files do not say "
        f"which value is white. It was judged by each picture alone: {told}."
    )
    if WINDOW in judged:
        message += " How warm or light such a picture is as a whole, beside others, is not seen by the model."
    fix = "If that matters, scale all of them alike to 8 bits before you zip them, and the new ones too."
    return [Remark(code="grey_range_judged", message=message, fix=fix)]
