"""How a job is fitted to a disk that is too small for all it might keep: sparingly first, then by fewer candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.trainer.scratch.need import DiskNeed, Footprint, Keeping, disk_need
from shared.job.result import Remark
from shared.wording import enumeration


class Candidate(Footprint, Protocol):
    """A footprint that has a name; a row of the catalogue is one."""

    @property
    def name(self) -> str:
        """What a job calls it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Photographs:
    """What of a job decides about the disk, whoever its candidates are.

    Args:
        num_images: In the archive.
        archive_bytes: Size of the archive.
    """

    num_images: int
    archive_bytes: int

    def need(self, rows: Sequence[Footprint], keeping: Keeping) -> DiskNeed:
        """Return what the disk has to have for these candidates."""
        return disk_need(num_images=self.num_images, archive_bytes=self.archive_bytes, candidates=rows, keeping=keeping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """How a job is done on a disk.

    Args:
        names: Of the candidates that are compared.
        keeping: How much of their features is kept at once.
        need: What that takes.
        left: Names of those that find no room, with the reason.
        remarks: What a person should know of it.
    """

    names: frozenset[str]
    keeping: Keeping
    need: DiskNeed
    left: tuple[tuple[str, str], ...] = ()
    remarks: tuple[Remark, ...] = ()


def arrange(rows: Sequence[Candidate], photographs: Photographs, wanted: Keeping, room_bytes: int) -> Arrangement:
    """Return how a job is done in a room: as wanted, or else so that as many candidates as possible are compared.

    Those that see the largest squares leave first, for which all photographs are kept at that size; one stays in any
    case.

    Args:
        rows: All candidates, one at least.
        photographs: Of the job.
        wanted: How much would be kept where there is room.
        room_bytes: That the job may have.
    """
    staying = sorted(rows, key=lambda row: (row.input_px, row.pooled_width, row.parameters))
    ways = wanted.sparingly()
    found = _first_that_fits(staying, photographs, ways, room_bytes)
    while found is None and len(staying) > 1:
        del staying[-1]
        found = _first_that_fits(staying, photographs, ways, room_bytes)
    keeping = found or ways[-1]
    names = frozenset(row.name for row in staying)
    left = tuple(
        (row.name, _reason(photographs.need([*staying, row], ways[-1]).total, room_bytes))
        for row in rows
        if row.name not in names
    )
    return Arrangement(
        names=names,
        keeping=keeping,
        need=photographs.need(staying, keeping),
        left=left,
        remarks=_remarks(wanted, keeping, photographs.need(staying, wanted).total, room_bytes, num_rows=len(staying)),
    )


def _first_that_fits(
    rows: Sequence[Candidate], photographs: Photographs, ways: Sequence[Keeping], room_bytes: int
) -> Keeping | None:
    return next((way for way in ways if photographs.need(rows, way).total <= room_bytes), None)


def _reason(needed_bytes: int, room_bytes: int) -> str:
    return (
        f"beside the others it needs {needed_bytes / 1e9:.1f} GB of the trainer's disk, which has "
        f"{room_bytes / 1e9:.1f} GB for this job; name it among fewer candidates, send fewer photographs, or have "
        "whoever runs this service give the trainer a larger disk"
    )


def _remarks(
    wanted: Keeping, keeping: Keeping, wanted_bytes: int, room_bytes: int, *, num_rows: int
) -> tuple[Remark, ...]:
    """Tell what was left undone; that something is computed twice is nobody's concern."""
    undone = []
    if keeping.most_backbones < min(wanted.most_backbones, num_rows):
        undone.append(f"{_at_most(keeping.most_backbones)} were tried side by side")
    if keeping.views < wanted.views:
        undone.append("mirror images were not looked at")
    if not undone:
        return ()
    message = (
        f"The trainer's disk has {room_bytes / 1e9:.1f} GB for this job, and all that might improve the network would "
        f"take {wanted_bytes / 1e9:.1f} GB. So {enumeration(undone)}."
    )
    fix = (
        "To have that too, send fewer photographs, choose fewer candidates or ones that look at smaller images, or "
        "have whoever runs this service give the trainer a larger disk."
    )
    return (Remark(code="disk_was_short", message=message, fix=fix),)


def _at_most(num_networks: int) -> str:
    return "no networks" if num_networks == 1 else f"at most {num_networks} networks"
