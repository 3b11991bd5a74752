"""How far a job has come: one value that the worker emits, the store keeps, and terminals and pages draw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


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
class Spending:
    """Time of a machine and what it costs.

    Args:
        seconds: Of the machine that trains.
        cost: In the currency of the operator's price for an hour; ``None`` where no price is known.
    """

    seconds: float
    cost: float | None = None

    @classmethod
    def of(cls, seconds: float, price_per_hour: float | None) -> Self:
        """Return what so many seconds cost."""
        return cls(seconds=seconds, cost=None if price_per_hour is None else seconds * price_per_hour / 3600)


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
        estimate: What the whole job was estimated to take before it began to train.
        price_per_hour: Of the machine that trains; ``None`` where it is not known.
    """

    phase: str
    done: int = 0
    total: int = 0
    unit: str = ""
    detail: str = ""
    eta_s: float | None = None
    best: Best | None = None
    estimate: Spending | None = None
    price_per_hour: float | None = None


ProgressListener = Callable[[Progress], None]
