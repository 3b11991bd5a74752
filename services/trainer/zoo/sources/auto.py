"""Which backbones ``auto`` compares: those of the highest expected gain per second that fit the machine. Pure.

Accuracy on ImageNet foretells accuracy on other photographs, give or take :data:`SPREAD`. So what a network is expected
to add is the mean, over what both may come to, of how far it exceeds the best of those that are compared already.
Again and again the network is taken that adds most per second it takes, until the time that comparing may take is
used up or what is left adds less than :data:`LEAST_GAIN`.

Source of the correlation: Kornblith et al., "Do better ImageNet models transfer better?", arXiv:1805.08974.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

SPREAD = 0.04
"""Standard deviation of accuracy on a data set around what accuracy on ImageNet lets expect."""
LEAST_GAIN = 0.004
"""Expected gain, in accuracy, for which a network is not worth its download, its room on the disk and its seconds."""
SHARE = 0.25
"""Of the seconds that a job has, at most, for comparing networks."""
UNKNOWN_TOP1 = 0.5
_ADDS_LITTLE = (
    f"expected to add less than {100 * LEAST_GAIN:g} points of accuracy to the others; name it among the candidates to "
    "give it its turn"
)
_NO_TIME = (
    f"would take longer than comparing has left, which is {SHARE:.0%} of the budget; raise budget_minutes, or name it "
    "among the candidates"
)


class Row(Protocol):
    """What of a backbone decides; a row of the catalogue is one."""

    @property
    def name(self) -> str:
        """What a job calls it."""
        ...

    @property
    def imagenet_top1(self) -> float | None:
        """Accuracy on ImageNet, 0 to 1."""
        ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means(Generic[R]):
    """What there is to compare networks with.

    Args:
        seconds: That comparing may take.
        cost_s: Seconds that a network takes.
        objection: Why a network cannot be compared beside others that are to be: no memory, no disk, no weights;
            ``None`` where it can. Asked of no network that is not worth it.
    """

    seconds: float
    cost_s: Callable[[R], float]
    objection: Callable[[R, Sequence[R]], str | None] = lambda _row, _others: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is compared.

    Args:
        taken: Names, the most worthwhile first.
        left: Names of the others, with the reason.
    """

    taken: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def expected_gain(top1: float, best: float | None) -> float:
    """Return what a network is expected to add to the accuracy of the best of those that are compared already.

    Args:
        top1: Its accuracy on ImageNet, 0 to 1.
        best: The highest of theirs; ``None`` where there are none.

    Source: the mean of the positive part of a normal variable, as in expected improvement (Mockus, 1978).
    """
    if best is None:
        return top1
    spread = SPREAD * math.sqrt(2)
    z = (top1 - best) / spread
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return spread * (density + z * (1 + math.erf(z / math.sqrt(2))) / 2)


def choose(rows: Sequence[R], means: Means[R], *, named: Collection[str] = ()) -> Choice:
    """Choose from rows by expected gain per second; the first that can be compared is taken whatever it costs.

    Args:
        rows: That could be compared.
        means: See there.
        named: Names of rows that are taken in any case, if they can be compared.
    """
    taken: list[R] = []
    left: dict[str, str] = {}
    open_rows = list(rows)
    seconds, best = means.seconds, None

    def worth(row: R) -> tuple[bool, float, str]:
        return row.name in named, expected_gain(_top1(row), best) / means.cost_s(row), row.name

    while open_rows:
        row = max(open_rows, key=worth)
        open_rows.remove(row)
        cost_s = means.cost_s(row)
        reason = None if row.name in named else _too_little(row, best, seconds, cost_s)
        reason = reason or means.objection(row, taken)
        if reason is not None:
            left[row.name] = reason
            continue
        taken.append(row)
        seconds -= cost_s
        best = max(best or 0.0, _top1(row))
    names = [row.name for row in rows if row.name in left]
    return Choice(taken=tuple(row.name for row in taken), left=tuple((name, left[name]) for name in names))


def _top1(row: Row) -> float:
    return row.imagenet_top1 or UNKNOWN_TOP1


def _too_little(row: Row, best: float | None, seconds: float, cost_s: float) -> str | None:
    """Return why a row is not worth it, or cannot be had in time; ``None`` where it can, or is all there is."""
    if best is None:
        return None
    if expected_gain(_top1(row), best) < LEAST_GAIN:
        return _ADDS_LITTLE
    return _NO_TIME if cost_s > seconds else None
