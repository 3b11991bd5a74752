"""What a training is given, and what it leaves."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.trainer.export.verifier import Verifier
from services.trainer.protocol import Message, StopReason
from services.trainer.settings import TrainerSettings
from shared.job.job import Artefacts
from shared.ports.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a training may touch.

    Args:
        objects: Archives and artefacts.
        settings: See there.
        verifier: Verifies what is delivered.
        say: Speaks to the worker.
        asked_to_stop: Returns why the worker wants the run to end, or ``None``.
        await_warmth: Returns once TensorFlow is ready.
        monotonic: Seconds on a clock that nobody sets.
        started: When the order came, on that clock.
    """

    objects: ObjectStore
    settings: TrainerSettings
    verifier: Verifier
    say: Callable[[Message], None]
    asked_to_stop: Callable[[], StopReason | None]
    await_warmth: Callable[[], None]
    monotonic: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a training leaves.

    Args:
        artefacts: Verified and stored.
        stopped_because: Why training ended before it was done, if it did.
    """

    artefacts: Artefacts
    stopped_because: str | None
