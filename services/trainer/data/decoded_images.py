"""What decoding leaves behind: pixels in files, and beside them one label, path and hash per row."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.identical import Copies
from services.trainer.data.dataset import Indices
from services.trainer.data.decoders.decoded import Decoded
from services.trainer.data.pictures.depth import WINDOW
from services.trainer.data.pictures.image import UnusableImage
from services.trainer.data.pictures.square_file import SquareFile
from services.trainer.data.split import CHOSEN, LEARNT, TESTED
from shared.archive.class_faults import LeftOut, class_too_small
from shared.archive.entry import Entry
from shared.archive.rules import REASONS, ArchivePlan
from shared.archive.safety import ArchiveLimits, listed
from shared.archive.structure.folder_name import Role
from shared.archive.structure.own_split import OwnSplit, nothing_left_fault
from shared.errors import Fault, UserFault
from shared.job.findings.photographs import LabelConflict, OwnParts, Quarantined
from shared.job.result import Remark
from shared.wording import count, enumeration, quoted_names

_COPY = ("identical_copy", "The same picture is there more than once, and counts once.", "Add other photographs.")
_BASES = {WINDOW: "a narrow part of 16 bits, spread"}
_CONFLICT = (
    "in_several_classes",
    "The same picture lies in several classes, so none of the copies was used.",
    "Delete it wherever it is wrong.",
)
GIVEN_WAY = "copy_of_held_back"
_RANKS = {Role.TRAIN: LEARNT, Role.VALIDATION: CHOSEN, Role.TEST: TESTED}


class DecodedImages:
    """Gathers decoded images in the order they come; in arrays, so that memory hardly grows with their number.

    Args:
        classes: Names of the classes; the position is the label.
        files: Take the pixels, in the order of :attr:`Decoded.squares`, and the thumbnails last.
        num_entries: Of the archive.
        is_settled: Whether an earlier attempt has chosen these images, so that copies are no longer looked for.
        own: The split that the person made, if that is to be used.
    """

    def __init__(
        self,
        classes: Sequence[str],
        files: Sequence[SquareFile],
        *,
        num_entries: int,
        is_settled: bool = False,
        own: OwnSplit | None = None,
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
        self.own = own
        self.root = ""
        self._ranks = array("B")
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
    def ranks(self) -> NDArray[np.uint8] | None:
        """What every row serves for by the person's own split; ``None`` without one."""
        return None if self.own is None else np.array(self._ranks, np.uint8)

    @property
    def own_parts(self) -> OwnParts | None:
        """The parts of that split by name."""
        if self.own is None:
            return None
        return OwnParts(
            train=self.own.names(Role.TRAIN),
            validation=self.own.names(Role.VALIDATION),
            test=self.own.names(Role.TEST),
        )

    def give_way(self, rows: Iterable[int]) -> None:
        """List images that are left out because a part that judges the network has copies of them."""
        self.quarantined += [_given_way(self.paths[row]) for row in rows]

    @property
    def num_given_way(self) -> int:
        """How many there are."""
        return sum(each.code == GIVEN_WAY for each in self.quarantined)

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
            self._compare_parts(entry, label, result)

    def pass_over(self, entry: Entry, label: int) -> None:
        """Keep the place of an image whose pixels nobody will look at."""
        for file in self._files:
            file.skip()
        self._add(entry, label)

    def _compare_parts(self, entry: Entry, label: int, result: Decoded) -> None:
        """List a copy of a picture that a higher part has; files of such a part come first."""
        row = self._copies.row_of(result.digest) if self._copies is not None else 0
        if self.labels[row] == label and self._ranks[row] > self._rank(entry):
            self.quarantined.append(_given_way(entry.path))

    def _rank(self, entry: Entry) -> int:
        placed = None if self.own is None else self.own.place(entry.folders)
        return LEARNT if placed is None else _RANKS[placed[0]]

    def _add(self, entry: Entry, label: int) -> None:
        self._ranks.append(self._rank(entry))
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
            del self._entries[row], self.labels[row], self.paths[row], self.hashes[row], self._ranks[row]
            del self.looks[2 * row : 2 * row + 2]
        fault = self._shortage(ArchiveLimits().min_images) or self._emptied()
        if fault is not None:
            raise UserFault.of(fault)

    def _emptied(self) -> Fault | None:
        """Tell of a part of the person's own split of which nothing is left."""
        for role in (Role.VALIDATION, Role.TEST):
            names = () if self.own is None else self.own.names(role)
            if names and _RANKS[role] not in self._ranks:
                return nothing_left_fault(names, are_copies=role is Role.VALIDATION and self._has_given_way(names))
        return None

    def _has_given_way(self, names: Sequence[str]) -> bool:
        """Tell whether copies were left out of folders of these names."""
        given_way = (each.path.split("/")[:-1] for each in self.quarantined if each.code == GIVEN_WAY)
        return any(not set(names).isdisjoint(folders) for folders in given_way)

    def _shortage(self, min_images: int) -> Fault | None:
        """Tell which classes are too small now, and which of their files could not be used."""
        sizes = dict.fromkeys(self.classes, 0)
        for label, rank in zip(self.labels, self._ranks, strict=True):
            sizes[self.classes[label]] += rank == LEARNT
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
        part = "" if self.own is None else quoted_names(self.own.names(Role.TRAIN))
        fault = class_too_small(small, reasons, min_images=min_images, part=part)
        details = {**fault.details, **listed([path for _, path, _ in missing])} if missing else fault.details
        return replace(fault, details=details)


def _given_way(path: str) -> Quarantined:
    return Quarantined(
        path=path,
        code=GIVEN_WAY,
        reason="A copy of it is among the photographs of your own split that judge the network.",
        fix="All is well: it was left out, so that the network is not judged by what it has learnt.",
    )


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
