"""Jobs and a clock for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.errors import Fault
from shared.job.claim import Claim
from shared.job.heartbeat import Heartbeat
from shared.job.job import Archive, Artefacts, Job, JobState, Trial, TrialState, Upload
from shared.job.options import JobOptions, TuneSearch
from shared.job.progress import Best, Progress

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


class HandClock:
    """A clock that only the test moves."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def make_job(job_id: str = "job-1", state: JobState = JobState.AWAITING_UPLOAD, **changes: Any) -> Job:
    """Return a job as intake makes it, with changes."""
    job = Job(
        job_id=job_id,
        email="ada@example.org",
        token_hash="0" * 64,
        options=JobOptions(),
        state=state,
        created_at=NOW,
        updated_at=NOW,
        upload=Upload(
            object_key=f"uploads/{job_id}/archive.zip", max_bytes=1_000_000, expires_at=NOW + timedelta(hours=1)
        ),
    )
    return replace(job, **changes)


def archive_of(job_id: str = "job-1") -> Archive:
    return Archive(
        object_key=f"uploads/{job_id}/archive.zip", generation="g1", size_bytes=4096, num_images=30, num_classes=3
    )


def full_job(job_id: str = "job-full") -> Job:
    """Return a job with every field set."""
    claim = Claim(owner="worker-ä", fence=2, expires_at=NOW + timedelta(seconds=30))
    return make_job(
        job_id,
        JobState.FAILED,
        options=JobOptions(candidates=("tiny", "vgg16"), tune_search=TuneSearch.RANDOM, budget_minutes=0.5, seed=7),
        archive=archive_of(job_id),
        claim=claim,
        report_claim=replace(claim, owner="reporter", fence=1),
        report_tries=3,
        attempts=2,
        trained_s=12.5,
        device="CPU (2 cores)",
        progress=Progress(
            phase="tune",
            done=1,
            total=9,
            unit="epochs",
            detail="…",
            eta_s=3.5,
            best=Best(candidate="tiny", val_accuracy=0.9),
        ),
        trials=(Trial(name="screen/tiny", state=TrialState.SKIPPED, val_accuracy=0.5, seconds=1.25, reason="because"),),
        artefacts=Artefacts(result="r", model_h5="h", model_keras="k", labels="l", predict="p", report="html"),
        fault=Fault(
            code="out_of_memory",
            message="Es fehlt Speicher: \u201e😀\u201c",
            fix="Buy.",
            details={"files": ["é/1.jpg"]},
        ),
        cancel_requested_at=NOW + timedelta(microseconds=1),
        mailed_at=NOW + timedelta(days=1),
        mail_fault=Fault(code="mail_refused", message="No.", fix="Fetch the report."),
        reminded_at=NOW,
    )


def make_heartbeat(fence: int = 1, *, job_id: str = "job-1", **changes: Any) -> Heartbeat:
    """Return the heartbeat of a worker that has just begun, with changes."""
    return Heartbeat(job_id=job_id, fence=fence, **{"expires_at": NOW + timedelta(seconds=30), **changes})


def full_heartbeat() -> Heartbeat:
    """Return a heartbeat with every field set."""
    job = full_job()
    return make_heartbeat(
        2,
        expires_at=NOW + timedelta(seconds=40, microseconds=1),
        trained_s=12.5,
        device=job.device,
        progress=job.progress,
        trials=job.trials,
    )
