"""How far a job has come: one value that the worker emits, the store keeps, and terminals and pages draw."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best network so far.

    Args:
        candidate: Name of its backbone.
        val_accuracy: Its accuracy on the validation split, 0 to 1.
    """

    candidate: str
    val_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A point on the way.

    Args:
        phase: ``prepare``, ``screen``, ``tune``, ``evaluate`` or ``export``.
        done: Units finished in this phase.
        total: Units that this phase has, as far as known.
        unit: What is counted, such as ``images`` or ``epochs``.
        detail: What is being done, for a person, such as ``mobilenet_v2: features``.
        eta_s: Seconds until the whole job ends, as far as can be told.
        best: The best network so far.
    """

    phase: str
    done: int = 0
    total: int = 0
    unit: str = ""
    detail: str = ""
    eta_s: float | None = None
    best: Best | None = None


ProgressListener = Callable[[Progress], None]


def worth_storing(last: Progress | None, new: Progress, *, elapsed_s: float, interval_s: float = 1.0) -> bool:
    """Decide whether a new point is worth a write: at once on a new phase or a new best, else once per interval.

    Args:
        last: The point stored last, if any.
        new: The point at hand.
        elapsed_s: Seconds since the last write.
        interval_s: Seconds between writes within a phase.
    """
    if last is None or new.phase != last.phase or new.best != last.best:
        return True
    return elapsed_s >= interval_s
