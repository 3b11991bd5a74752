"""The stages of a job as a person sees them, from sending the archive to the mail."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.client.api.job_view import JobView
from shared.job.job import JobState
from shared.job.progress import Best
from shared.text.printable import printable_name
from shared.wording import duration, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a job stands, ready to be drawn.

    Args:
        key: Identifies the stage; stages come in the order of :data:`TITLES`.
        done: Units finished.
        total: Units in all, 0 where nobody knows.
        unit: What is counted.
        detail: What is being done.
        eta_s: Seconds until the job ends.
        best: The best network so far.
    """

    key: str
    done: int = 0
    total: int = 0
    unit: str = ""
    detail: str = ""
    eta_s: float | None = None
    best: Best | None = None

    @property
    def title(self) -> str:
        """What the stage is called."""
        return TITLES.get(self.key, self.key)


TITLES = {
    "zip": "Pack folder",
    "start": "Start services",
    "upload": "Upload",
    "check": "Check archive",
    "queue": "Wait for trainer",
    "prepare": "Read images",
    "screen": "Compare networks",
    "tune": "Improve winner",
    "evaluate": "Test",
    "export": "Pack model",
    "report": "Write report",
    "load": "Load network",
    "classify": "Classify",
}

_STAGE_OF_STATE = {
    JobState.AWAITING_UPLOAD: "check",
    JobState.QUEUED: "queue",
    JobState.REPORTING: "report",
}


def stage_of(view: JobView) -> Stage | None:
    """Return the stage of a job, or ``None`` once it has ended."""
    if view.is_ended:
        return None
    if view.state in _STAGE_OF_STATE:
        return Stage(key=_STAGE_OF_STATE[view.state], detail=_place(view), best=view.best)
    if view.phase is None:
        return Stage(key="queue")
    return Stage(
        key=view.phase,
        done=view.done,
        total=view.total,
        unit=view.unit,
        detail=view.detail,
        eta_s=view.eta_s,
        best=view.best,
    )


def _place(view: JobView) -> str:
    """Return the place in the queue as a phrase, and when the job is expected to start; empty where none is told."""
    if view.queue_position is None:
        return ""
    place = "next" if view.queue_position == 1 else f"place {view.queue_position} in the queue"
    start = f"starts in about {duration(view.starts_in_s)}" if view.starts_in_s else ""
    return listed([place, start])


def counts(stage: Stage) -> str:
    """Return how much is done, such as ``120/600 images``."""
    if stage.unit == "bytes":
        return f"{stage.done / 1e6:.1f}/{stage.total / 1e6:.1f} MB"
    if not stage.total:
        return f"{stage.done} {stage.unit}".strip() if stage.done else ""
    return f"{stage.done}/{stage.total} {stage.unit}".strip()


def best_so_far(best: Best | None) -> str:
    """Return the best network so far as a phrase, empty where there is none."""
    return f"best so far {best.candidate} {percent(best.val_accuracy, 1)}" if best else ""


def listed(parts: Sequence[str]) -> str:
    """Join the parts that say something; names in them come from anywhere, and act on no terminal."""
    return printable_name(" · ".join(part for part in parts if part))
