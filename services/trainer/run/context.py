"""What every step of the pipeline may touch: a folder, a seed, a way to report, to stop and to remember."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from numpy.typing import NDArray
from pydantic import ValidationError

from services.trainer.run.deadline import Countdown
from services.trainer.run.device import Precision
from services.trainer.run.identity import Facts
from services.trainer.scratch.need import Keeping
from shared.errors import ConvtailorError
from shared.job.job import Trial
from shared.job.progress import ProgressListener
from shared.json_codec import from_json
from shared.layout import OTHER_FORMATS, Artefact

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Stopped(ConvtailorError):
    """A step was told to stop before it had anything worth keeping; a successor starts it afresh.

    Args:
        reason: What :attr:`Run.stop_reason` answered.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"stopped: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A finished trial, or a decision, with all that a successor needs to carry on without repeating it.

    Args:
        trial: As the job shows it; its name is the key.
        document: JSON values, such as the history.
        arrays: Weights, by name.
        is_shown: Whether the job shows it among its trials; a mere decision is kept for successors only.
    """

    trial: Trial
    document: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    is_shown: bool = True

    def document_as(self, cls: type[T]) -> T | None:
        """Return the document as a dataclass; ``None``, and a line in the log, where it is none of these."""
        try:
            return from_json(cls, self.document)
        except ValidationError as error:
            reason = f"it is no {cls.__name__}: {error.error_count()} faults, the first in {error.errors()[0]['loc']}"
            logger.warning("ledger entry ignored", extra={"trial": self.trial.name, "reason": reason})
            return None


class Ledger(Protocol):
    """Remembers finished trials and decisions beyond the life of this process.

    Every entry says what it was made from. One that was made from anything else than this ledger stands for, such as
    another split or other weights, does not count; the log says so.
    """

    def of(self, facts: Facts) -> Self:
        """Return the same ledger for what is made from these facts too, beside those that it stands for already."""
        ...

    def find(self, name: str) -> LedgerEntry | None:
        """Return the entry of that name that counts, by whichever worker it was written, or ``None``."""
        ...

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry durably, in place of one of the same name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the pipeline.

    Args:
        directory: Scratch folder on the local disk, this job's alone.
        seed: Of split, initialisation and shuffling.
        report: Takes progress; calls are cheap, so call it as often as there is news (every batch or epoch).
        stop_reason: Returns why the run must come to an end soon (``budget``, ``cancelled``, ``preempted``), or
            ``None``. Ask between batches and epochs; when it answers, keep the best so far and return early.
        countdown: To the end of training; takes what delivering the best network so far costs.
        ledger: Finished trials, this worker's and its predecessors'.
        halvings: How many times batches are to be halved from the start, because earlier attempts ran out of memory.
        precision: What networks compute in while they learn.
        memory_bytes: Of the machine; ``None`` where it is unknown.
        reserved_bytes: Tells what room on the disk what is only convenient has to leave: to what is yet to be written,
            and to other jobs.
        keeping: How much of what networks make of the images the disk has room for at once.
        formats: In which the network is wanted beside Keras's own, in the order in which they are written.
        num_tried: So many of these can be tried here; the others cost no time.
    """

    directory: Path
    seed: int
    report: ProgressListener
    stop_reason: Callable[[], str | None]
    countdown: Countdown
    ledger: Ledger
    halvings: int = 0
    precision: Precision = Precision.FULL
    memory_bytes: int | None = None
    reserved_bytes: Callable[[], int] = lambda: 0
    keeping: Keeping = Keeping()  # noqa: RUF009 - frozen
    formats: tuple[Artefact, ...] = tuple(OTHER_FORMATS.values())
    num_tried: int = len(OTHER_FORMATS)
