"""A job from the first request to its one end, and the only table that says which state may follow which."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import Conflict, Fault
from shared.job.claim import Claim
from shared.job.options import JobOptions
from shared.job.progress import Progress
from shared.text.bound import bounded_message


class JobState(StrEnum):
    """Where a job stands; the last five are ends."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    TRAINING = "training"
    REPORTING = "reporting"
    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


UPLOAD_GRACE = timedelta(hours=1)
"""Least time for an upload that began before its URL ended."""
SLOWEST_UPLOAD_BYTES_PER_S = 62_500
"""Half a megabit per second: a gigabyte then takes four and a half hours, and no line that is sold is slower."""
_S = JobState
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.AWAITING_UPLOAD: frozenset({_S.QUEUED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED}),
    _S.QUEUED: frozenset({_S.TRAINING, _S.CANCELLED, _S.FAILED}),
    _S.TRAINING: frozenset({_S.REPORTING, _S.REJECTED, _S.FAILED, _S.CANCELLED}),
    _S.REPORTING: frozenset({_S.DONE, _S.FAILED}),
    _S.DONE: frozenset(),
    _S.REJECTED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
}
END_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)
MAILED_STATES = frozenset({_S.REPORTING, _S.DONE, _S.REJECTED, _S.FAILED, _S.CANCELLED})
"""States whose job owes its person a mail (a cancel before the upload excepted)."""


class TrialState(StrEnum):
    """How a trial of one candidate or one recipe ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One finished trial, as the ledger shows it; its history and weights lie in the bucket.

    Args:
        name: Unique in the job, such as ``screen/mobilenet_v2`` or ``tune/0``.
        state: How it ended.
        val_accuracy: Best accuracy on the validation split, 0 to 1.
        seconds: What it took.
        reason: Why it was skipped or failed, and how to mend it; no longer than a screenful.
    """

    name: str
    state: TrialState
    val_accuracy: float | None = None
    seconds: float = 0.0
    reason: str | None = None

    def __post_init__(self) -> None:
        """Bound what a library said: the ledger of a job is one document of the store."""
        if self.reason is not None:
            object.__setattr__(self, "reason", bounded_message(self.reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Where the archive is to be put.

    Args:
        object_key: Key in the object store.
        max_bytes: Cap on its size.
        expires_at: When the signed URL ends: no upload begins any more.
        size_bytes: Its size, where that was told beforehand.
    """

    object_key: str
    max_bytes: int
    expires_at: datetime
    size_bytes: int | None = None

    @property
    def awaited_until(self) -> datetime:
        """When an upload that began in the last moment must have come, or never will; the job then expires."""
        longest_s = (self.size_bytes or self.max_bytes) / SLOWEST_UPLOAD_BYTES_PER_S
        return self.expires_at + max(UPLOAD_GRACE, timedelta(seconds=longest_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The archive as the central directory shows it.

    Args:
        object_key: Key in the object store.
        generation: Version of that object that this job uses; a later upload under the key does not count.
        size_bytes: Size of the zip.
        num_images: Entries that may be images.
        num_classes: Folders that hold them.
    """

    object_key: str
    generation: str
    size_bytes: int
    num_images: int
    num_classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """Keys of what a job leaves in the object store, all below ``jobs/<job_id>/<fence>/`` but the mail's report.

    Args:
        result: ``result.json``.
        model_h5: The network for plain Keras.
        model_keras: The same in Keras's own format.
        model_onnx: The same for ONNX Runtime, from behind the resize on.
        model_tflite: The same for LiteRT.
        model_tflite_float16: The same with weights of half the size.
        model_coreml: The same for Apple's devices.
        model_zip: One file with everything that is needed to use it.
        labels: Class names, one a line, in the order of the outputs.
        predict: A small Python program that loads the model.
        strangers: What tells photographs unlike all that the network learnt from.
        report: ``report.html``; written by the reporter.
    """

    result: str | None = None
    model_h5: str | None = None
    model_keras: str | None = None
    model_onnx: str | None = None
    model_tflite: str | None = None
    model_tflite_float16: str | None = None
    model_coreml: str | None = None
    model_zip: str | None = None
    labels: str | None = None
    predict: str | None = None
    strangers: str | None = None
    report: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """That a job is trained from the archive of another, with corrections; these lie beside its own copy of it.

    Args:
        job_id: Of the other job.
        num_corrections: How many there are.
        corrections_sha256: Of what they say, in any order.
    """

    job_id: str
    num_corrections: int
    corrections_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything the store keeps about one job.

    A job is written when an attempt begins or ends, a person asks for something, or its end is told. What changes every
    few seconds in between, marked ° here, goes with the heartbeats of the attempt (:mod:`shared.job.heartbeat`) and is
    as of the last attempt's end until the one at work has ended.

    Args:
        job_id: Unguessable identifier.
        email: Where the report goes; empty once the job is forgotten.
        token_hash: SHA-256, hexadecimal, of the bearer token; the token itself is never stored.
        options: The person's choices.
        state: See :data:`TRANSITIONS`.
        created_at: When it was asked for.
        updated_at: When its state changed last.
        upload: Where the archive is to be put.
        archive: What was uploaded, once its central directory was read.
        claim: Which attempt may write the job's end, by its fence; until when°.
        report_claim: The reporter's lease.
        report_tries: Attempts at its report that did not end in good order, one at work included.
        attempts: Times a trainer took the job up and did not hand it back on purpose.
        trained_s: Seconds of the budget that the trainers spent so far°.
        device: What trains it, such as ``CPU (2 cores)``°.
        progress: How far it has come°.
        trials: The ledger°.
        artefacts: What it left.
        fault: Why it was rejected or failed.
        cancel_requested_at: When the person asked for it to stop.
        mailed_at: When a mail about its end was accepted.
        mail_fault: Why no mail about its end will ever be accepted; the report can still be fetched.
        reminded_at: When the sweeper last published its state anew.
        forgotten_at: When its files were deleted, and with them what it said of the person; see
            :mod:`shared.job.retention`.
        key_id: The API key that it was submitted with.
        charged_to: Who its bytes are counted for; see :mod:`shared.access.limits`.
        confirm_by: Until when its person has to confirm the address; ``None`` where nobody asks for that.
        confirmed_at: When they did.
        confirmation_mailed_at: When a mail that asks for it was accepted.
        retries: Times an operator had it tried again after its end; it then began anew.
        num_ran_full: Times that its training ran out of disk since it was sent, or tried again.
        retraining: What it is trained again from; ``None`` where its archive was sent for it alone.
    """

    job_id: str
    email: str
    token_hash: str
    options: JobOptions
    state: JobState
    created_at: datetime
    updated_at: datetime
    upload: Upload
    archive: Archive | None = None
    claim: Claim | None = None
    report_claim: Claim | None = None
    report_tries: int = 0
    attempts: int = 0
    trained_s: float = 0.0
    device: str | None = None
    progress: Progress | None = None
    trials: tuple[Trial, ...] = ()
    artefacts: Artefacts = Artefacts()
    fault: Fault | None = None
    cancel_requested_at: datetime | None = None
    mailed_at: datetime | None = None
    mail_fault: Fault | None = None
    reminded_at: datetime | None = None
    forgotten_at: datetime | None = None
    key_id: str | None = None
    charged_to: str | None = None
    confirm_by: datetime | None = None
    confirmed_at: datetime | None = None
    confirmation_mailed_at: datetime | None = None
    retries: int = 0
    num_ran_full: int = 0
    retraining: Retraining | None = None

    @property
    def awaits_confirmation(self) -> bool:
        """Tell whether nothing may be done with it, and nothing but the request for a click be mailed."""
        return self.confirm_by is not None and self.confirmed_at is None

    @property
    def is_ended(self) -> bool:
        """Tell whether no state can follow."""
        return self.state in END_STATES

    @property
    def owes_mail(self) -> bool:
        """Tell whether the person still has to be told how the job ended."""
        if self.state not in MAILED_STATES or self.forgotten_at is not None:
            return False
        if self.mailed_at is not None or self.mail_fault is not None:
            return False
        return self.state is not JobState.CANCELLED or self.archive is not None

    @property
    def is_open(self) -> bool:
        """Tell whether anything is left to be done: work, or a mail."""
        return not self.is_ended or self.owes_mail


def advance(job: Job, state: JobState, now: datetime, **changes: Any) -> Job:
    """Return the job in a new state.

    Args:
        job: The job as read.
        state: The state to enter.
        now: Becomes ``updated_at``.
        changes: Other fields to set with it.

    Raises:
        Conflict: If the table does not allow the step; the job has moved on since the caller decided.
    """
    if state not in TRANSITIONS[job.state]:
        raise Conflict(f"job {job.job_id} is {job.state} and cannot become {state}")
    return replace(job, state=state, updated_at=now, **changes)
