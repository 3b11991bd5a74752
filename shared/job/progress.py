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
