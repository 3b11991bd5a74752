"""The JSON documents that the API answers with; ``/openapi.json`` is generated from these types."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.intake.overview.queue import Place
from services.intake.retraining.retrain import Retrained, has_network, is_archive_kept
from services.intake.submission import Submission
from shared.errors import Fault
from shared.job.job import Job, JobState, Trial
from shared.job.options import JobOptions
from shared.job.progress import Best, Progress, Spending
from shared.job.retention import Retention

_AWAITING_CLICK = "waits for the click in the mail that asks whether the address is yours"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCard:
    """What answers at ``/``."""

    service: str
    what: str
    start: str
    openapi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer of ``/healthz``: ``ok`` while the service can read its store."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadInvitation:
    """The one request that uploads the archive.

    Args:
        url: Absolute, signed.
        method: HTTP method.
        headers: Headers that must be sent exactly so.
        expires_at: When the URL ends.
        max_bytes: Largest archive taken.
    """

    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCreated:
    """The answer to a new job.

    Args:
        job_id: Identifies the job.
        token: Opens the job; shown this once and stored nowhere.
        upload: How to send the archive.
        status_url: Where the job tells how it fares.
        confirm_by: Until when the person has to confirm the address by a click in the mail that comes; ``null`` where
            that is not asked for.
    """

    job_id: str
    token: str
    upload: UploadInvitation
    status_url: str
    confirm_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetrained:
    """The answer to a job that is trained again from the archive of another; nothing has to be uploaded.

    Args:
        job_id: Identifies the new job.
        token: Opens it. The same Idempotency-Key shown with the first job's token gives it again.
        status_url: Where the new job tells how it fares.
        retrained_from: The first job.
        num_corrections: How many corrections it is trained with.
    """

    job_id: str
    token: str
    status_url: str
    retrained_from: str
    num_corrections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReceipt:
    """The answer to a whole upload.

    Args:
        size_bytes: Bytes received and kept.
        generation: Version of the stored object.
    """

    size_bytes: int
    generation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLink:
    """A download that anybody may make until it expires; the answer also redirects there."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses of a job, all to be asked with its token; ``null`` where there is nothing yet."""

    status: str
    cancel: str | None = None
    retrain: str | None = None
    model: str | None = None
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
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSummary:
    """The archive as its table of contents shows it."""

    size_bytes: int
    num_images: int
    num_classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """How a job fares.

    Args:
        job_id: Identifies the job.
        state: Where it stands.
        phase: Step of the training, once it runs.
        done: Units finished in this phase.
        total: Units of this phase, as far as known.
        unit: What is counted.
        detail: What is being done, for a person.
        eta_s: Seconds until the job ends, as far as can be told.
        queue_position: Its place while it is queued, 1 for the next one; ``null`` far behind.
        starts_in_s: Seconds until a trainer is expected to take it up, if as many train at a time as now; ``null``
            where nothing tells, such as when none is at work.
        best: The best network so far.
        estimate: What the whole training was estimated to take, and to cost where the service knows its price.
        spent: What all attempts at it took so far, and cost.
        trials: The ledger of finished trials.
        error: Why it was rejected or failed, and what mends it.
        links: Where to go from here.
        archive: What was uploaded, once it was looked at.
        options: The choices in force.
        device: What trains it.
        attempts: Times a trainer took it up.
        created_at: When it was asked for.
        updated_at: When its state changed last.
        upload_expires_at: Until when the archive may be uploaded.
        cancel_requested_at: When a stop was asked for.
        mailed_at: When the mail about its end was accepted.
        archive_kept_until: From when on its photographs are deleted, once nobody trains on them any more.
        files_kept_until: From when on networks, results, report and address are deleted, once it has ended.
        files_deleted_at: When that happened.
        confirm_by: Until when the person has to confirm the address by a click, where that is asked for.
        confirmed_at: When they did.
        retrained_from: The job from whose archive it is trained again; ``null`` where its archive was sent for it.
        num_corrections: With how many corrections it is trained; 0 where its archive was sent for it.
    """

    job_id: str
    state: JobState
    phase: str | None
    done: int
    total: int
    unit: str
    detail: str
    eta_s: float | None
    queue_position: int | None
    starts_in_s: float | None
    best: Best | None
    estimate: Spending | None
    spent: Spending
    trials: tuple[Trial, ...]
    error: Fault | None
    links: Links
    archive: ArchiveSummary | None
    options: JobOptions
    device: str | None
    attempts: int
    created_at: datetime
    updated_at: datetime
    upload_expires_at: datetime
    cancel_requested_at: datetime | None
    mailed_at: datetime | None
    archive_kept_until: datetime | None
    files_kept_until: datetime | None
    files_deleted_at: datetime | None
    confirm_by: datetime | None
    confirmed_at: datetime | None
    retrained_from: str | None
    num_corrections: int


def status_url(public_url: str, job_id: str) -> str:
    """Return the address of a job's status."""
    return f"{public_url}/v1/jobs/{job_id}"


def created_document(made: Submission, *, upload_url: str, public_url: str) -> JobCreated:
    """Tell of a new job and how to go on.

    Args:
        made: See there.
        upload_url: Where the one who asks reaches what is signed.
        public_url: Where people reach this service.
    """
    job, upload = made.job, made.upload
    return JobCreated(
        job_id=job.job_id,
        token=made.token,
        upload=UploadInvitation(
            url=upload_url,
            method=upload.method,
            headers=upload.headers,
            expires_at=upload.expires_at,
            max_bytes=job.upload.max_bytes,
        ),
        status_url=status_url(public_url, job.job_id),
        confirm_by=job.confirm_by,
    )


def retrained_document(retrained: Retrained, *, public_url: str) -> JobRetrained:
    """Tell of a job that is trained again."""
    job = retrained.job
    return JobRetrained(
        job_id=job.job_id,
        token=retrained.token,
        status_url=status_url(public_url, job.job_id),
        retrained_from=job.retraining.job_id if job.retraining else "",
        num_corrections=job.retraining.num_corrections if job.retraining else 0,
    )


def status_document(
    job: Job, *, public_url: str, retention: Retention, place: Place | None = None, now: datetime | None = None
) -> JobStatus:
    """Tell how a job fares, its place in the queue, and how long what it left is kept.

    Args:
        job: As it is told.
        public_url: Where people reach this service.
        retention: How long what is kept.
        place: In the queue.
        now: The present moment, where it is to be told whether the job can be trained again.
    """
    progress = job.progress or Progress(phase="")
    return JobStatus(
        job_id=job.job_id,
        state=job.state,
        phase=progress.phase or None,
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        detail=_AWAITING_CLICK if job.awaits_confirmation and not job.is_ended else progress.detail,
        eta_s=progress.eta_s,
        queue_position=place.position if place else None,
        starts_in_s=place.starts_in_s if place else None,
        best=progress.best,
        estimate=progress.estimate,
        spent=Spending.of(round(job.trained_s, 1), progress.price_per_hour),
        trials=job.trials,
        error=job.fault,
        links=_links(
            job,
            status_url(public_url, job.job_id),
            is_repeatable=now is not None and has_network(job) and is_archive_kept(job, retention, now),
        ),
        archive=archive_summary(job),
        options=job.options,
        device=job.device,
        attempts=job.attempts,
        created_at=job.created_at,
        updated_at=job.updated_at,
        upload_expires_at=job.upload.expires_at,
        cancel_requested_at=job.cancel_requested_at,
        mailed_at=job.mailed_at,
        archive_kept_until=retention.archive_until(job),
        files_kept_until=retention.artefacts_until(job, job.updated_at) if job.is_ended else None,
        files_deleted_at=job.forgotten_at,
        confirm_by=job.confirm_by,
        confirmed_at=job.confirmed_at,
        retrained_from=job.retraining.job_id if job.retraining else None,
        num_corrections=job.retraining.num_corrections if job.retraining else 0,
    )


def archive_summary(job: Job) -> ArchiveSummary | None:
    """Tell of the archive of a job, once it was looked at."""
    if job.archive is None:
        return None
    return ArchiveSummary(
        size_bytes=job.archive.size_bytes, num_images=job.archive.num_images, num_classes=job.archive.num_classes
    )


def _links(job: Job, status: str, *, is_repeatable: bool) -> Links:
    """Name only what answers now."""
    kept = job.artefacts
    is_cancellable = job.state in (JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.TRAINING)
    return Links(
        status=status,
        cancel=f"{status}/cancel" if is_cancellable else None,
        retrain=f"{status}/retrain" if is_repeatable else None,
        model=f"{status}/model" if kept.model_h5 else None,
        model_keras=f"{status}/model?format=keras" if kept.model_keras else None,
        model_onnx=f"{status}/model?format=onnx" if kept.model_onnx else None,
        model_tflite=f"{status}/model?format=tflite" if kept.model_tflite else None,
        model_tflite_float16=f"{status}/model?format=tflite_float16" if kept.model_tflite_float16 else None,
        model_coreml=f"{status}/model?format=coreml" if kept.model_coreml else None,
        model_zip=f"{status}/model?format=zip" if kept.model_zip else None,
        labels=f"{status}/labels" if kept.labels else None,
        predict=f"{status}/predict" if kept.predict else None,
        strangers=f"{status}/strangers" if kept.strangers else None,
        report=f"{status}/report" if kept.report else None,
        result=f"{status}/result" if kept.result else None,
    )
