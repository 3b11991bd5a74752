"""How much of the local disk a job needs, from the sizes of what its training writes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from shared.job.options import MOST_BACKBONES

MAX_ACTIVATION_BYTES = 8 * 2**30
"""Cap on the activations kept of one network; they are kept where there is room, so no job needs them."""
FREE_DISK_SHARE = 0.4
"""Share of the free disk that one network's activations may take."""
NUM_FINALISTS = 4
"""Candidates whose features are kept during a race, where the disk has room; one more is always being computed."""
DESCRIPTION_BYTES = 8192
"""Thumbnail, path, label and the like of one image."""
_PIXEL_BYTES = 3
_FLOAT_BYTES = 4
_NETWORK_OVERHEAD = 1.1
_NUM_COPIES = 4
"""The network is written in two formats, here and into the object store, which may be a folder of the same disk."""
_EXPORT_BYTES = 16 * 2**20
"""What is written beside networks: images they are verified on, layouts of files, the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How much of what networks make of the images is kept at once: less of it costs time, or leaves something untried.

    Args:
        num_finalists: Candidates whose features are kept during a race beside those being computed.
        most_backbones: So many stand side by side at most; the features of as many are kept once they are finished.
        views: In which an image is looked at, at most; the second has features of its own.
    """

    num_finalists: int = NUM_FINALISTS
    most_backbones: int = MOST_BACKBONES
    views: int = 2

    def sparingly(self) -> tuple["Keeping", ...]:
        """Return this and ever more sparing ways, the last of which keeps as little as can be."""
        computed_anew = replace(self, num_finalists=0)
        fewer = [replace(computed_anew, most_backbones=most) for most in range(self.most_backbones - 1, 0, -1)]
        alone = fewer[-1] if fewer else computed_anew
        return self, computed_anew, *fewer, replace(alone, views=1)


class Footprint(Protocol):
    """What of a backbone decides about the disk; a row of the catalogue is one."""

    @property
    def input_px(self) -> int:
        """Side of the square it sees."""
        ...

    @property
    def pooled_width(self) -> int:
        """Numbers per image in the pooled outputs of all its levels."""
        ...

    @property
    def parameters(self) -> int:
        """Of the network without its top."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The figures of a footprint by themselves."""

    input_px: int
    pooled_width: int
    parameters: int


SMALLEST = Size(input_px=128, pooled_width=1168, parameters=218_544)
"""Less than any row of the catalogue in each figure; what a job needs at least, whoever its candidates are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskNeed:
    """What a job writes at most, in bytes.

    Args:
        archive: The copy of the archive.
        images: Every image at every side length, and what is known of it.
        features: Pooled levels of as many networks as are kept at once, and those of the largest network that may be
            delivered, side by side and in a second view.
        delivery: The network that is delivered.
    """

    archive: int
    images: int
    features: int
    delivery: int

    @property
    def total(self) -> int:
        """All of it; nothing is deleted before the job ends."""
        return self.archive + self.images + self.later

    @property
    def later(self) -> int:
        """What is written once the images are decoded, and must not be used up by activations."""
        return self.features + self.delivery


def disk_need(
    *, num_images: int, archive_bytes: int, candidates: Iterable[Footprint], keeping: Keeping | None = None
) -> DiskNeed:
    """Return what a job needs.

    Args:
        num_images: In the archive.
        archive_bytes: Size of the archive.
        candidates: Backbones that it compares, one at least.
        keeping: How much of their features is kept at once; all that is of use unless given.
    """
    rows, keeping = list(candidates), keeping or Keeping()
    squares = sum(px * px * _PIXEL_BYTES for px in {row.input_px for row in rows})
    heaviest = sum(sorted((row.parameters for row in rows), reverse=True)[: keeping.most_backbones])
    heaviest_bytes = heaviest * _FLOAT_BYTES * _NETWORK_OVERHEAD
    widths = sorted((row.pooled_width for row in rows), reverse=True)
    return DiskNeed(
        archive=archive_bytes,
        images=num_images * (squares + DESCRIPTION_BYTES),
        features=num_images * _numbers_kept(widths, keeping) * _FLOAT_BYTES,
        delivery=int(heaviest_bytes * _NUM_COPIES) + _EXPORT_BYTES,
    )


def _numbers_kept(widths: Sequence[int], keeping: Keeping) -> int:
    """Return the numbers per image that are kept at once, at most.

    Args:
        widths: Numbers per image of every candidate, the most first.
        keeping: See there.
    """
    most = keeping.most_backbones
    if min(most, len(widths)) == 1:  # the leader, those that wait, and one at work; in the end two views of the leader
        return max(sum(widths[: keeping.num_finalists + 2]), keeping.views * widths[0])
    waiting = max(keeping.num_finalists, most)
    return sum(widths[: waiting + 1]) + 2 * sum(widths[:most])
