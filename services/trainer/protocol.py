"""What the worker and its training process say to each other: JSON values, one a line.

Worker → training process, on its standard input: one :class:`Order`; after it lines ``stop <reason>``. The end of
that stream means that the worker is gone. Training process → worker, on its standard output: :class:`Message`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from shared.errors import Fault
from shared.job.job import Artefacts, Trial, TrialState
from shared.job.options import JobOptions
from shared.job.progress import Progress
from shared.json_codec import from_json, to_json

STOP = "stop"
T = TypeVar("T", "Order", "Message")


class StopReason(StrEnum):
    """Why a run must come to an end soon; ``lost``: too many attempts at it were."""

    BUDGET = "budget"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The one job of a training process.

    Args:
        job_id: Whose it is.
        fence: Of the worker's claim; part of every key written.
        archive_key: The archive in the object store.
        archive_generation: Its version.
        archive_bytes: Its size.
        num_images: Entries of it that may be images.
        options: The person's choices.
        seconds_left: What earlier attempts left of the budget, in seconds.
        halvings: How many times batches are to be halved, because earlier attempts died.
        resumes: Whether earlier attempts left a finished candidate, so that a stop still has something to deliver.
        only_delivers: Whether nothing is to be trained any more, because every attempt so far was lost.
        handover_key: What another job handed this one, in the object store; ``None`` where it trains for itself.
    """

    job_id: str
    fence: int
    archive_key: str
    archive_generation: str
    num_images: int
    options: JobOptions
    seconds_left: float
    halvings: int = 0
    resumes: bool = False
    archive_bytes: int = 0
    only_delivers: bool = False
    handover_key: str | None = None


class MessageKind(StrEnum):
    """What a message tells; the first two come before the order, the last six end the conversation."""

    READY = "ready"
    UNFIT = "unfit"
    DEVICE = "device"
    PROGRESS = "progress"
    TRIAL = "trial"
    PRICE = "price"
    FINISHED = "finished"
    STOPPED = "stopped"
    REJECTED = "rejected"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NO_ROOM = "no_room"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line from the training process.

    Args:
        kind: Which of the other fields is set.
        device: What trains, with ``device`` and ``ready``.
        progress: A point on the way, with ``progress``.
        trial: A finished trial that already lies in the bucket, with ``trial``.
        delivery_s: Seconds that delivering the best network so far would take from now on, with ``price``; see
            :mod:`services.trainer.run.deadline`.
        artefacts: Keys of what was exported and verified, with ``finished``.
        fault: What was wrong with the archive, with ``rejected``; or with the training, with ``failed``.
        reason: Why this process cannot train, with ``unfit``; why it stopped before anything was trained, with
            ``stopped``; which store did not answer, with ``unreachable``; what filled the disk, with ``no_room``.
        needed_bytes: Room on the disk that the job needs, with ``no_room``; ``None`` where that is not known.
    """

    kind: MessageKind
    device: str | None = None
    progress: Progress | None = None
    trial: Trial | None = None
    delivery_s: float | None = None
    artefacts: Artefacts | None = None
    fault: Fault | None = None
    reason: str | None = None
    needed_bytes: int | None = None


_CANDIDATE = "screen/"


def candidate_trial(name: str) -> str:
    """Return how the trial of a candidate is called, in messages, in the job and in the ledger."""
    return f"{_CANDIDATE}{name}"


def is_candidate(trial: str) -> bool:
    """Tell whether a trial, by its name, is that of a candidate."""
    return trial.startswith(_CANDIDATE)


def holds_network(trials: Iterable[Trial]) -> bool:
    """Tell whether there is a network that could be delivered: a candidate that finished."""
    return any(is_candidate(trial.name) and trial.state is TrialState.DONE for trial in trials)


def encode_line(value: Order | Message) -> bytes:
    """Return a value as one line of JSON, with its end."""
    return json.dumps(to_json(value), separators=(",", ":")).encode() + b"\n"


def decode_line(cls: type[T], line: bytes) -> T:
    """Read a line.

    Raises:
        ValueError: If it is no JSON or not of this shape.
    """
    return from_json(cls, json.loads(line))
