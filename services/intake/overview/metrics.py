"""What a monitor asks for, counted from the stores at the moment it asks: no process keeps counts of its own."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.job.job import END_STATES, Job, JobState
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore, pages

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATELY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_GOING = frozenset(JobState) - END_STATES
_Values = dict[tuple[str, ...], float]
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One gauge.

    Args:
        name: Without the prefix of the service.
        help: What it counts, in one line.
        values: By label values, in the order of ``labels``.
        labels: Names of the labels.
    """

    name: str
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class Census:
    """Counts of jobs; grows with states, phases and codes alone."""

    now: datetime
    going: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, ...]] = field(default_factory=Counter)
    num_mails_owed: int = 0
    num_mails_refused: int = 0
    num_unreadable: int = 0
    longest_wait_s: float = 0.0

    def add_open(self, job: Job) -> None:
        """Count a job with something to come: work, or a mail."""
        self.num_mails_owed += job.owes_mail
        if job.is_ended:
            return
        self.going[job.state] += 1
        if job.state is JobState.TRAINING:
            self.phases[job.progress.phase if job.progress else ""] += 1
        if job.state is JobState.QUEUED:
            self.longest_wait_s = max(self.longest_wait_s, (self.now - job.updated_at).total_seconds())

    def add_ended(self, job: Job) -> None:
        """Count a job that ended lately."""
        self.ended[job.state, job.fault.code if job.fault else ""] += 1
        self.num_mails_refused += job.mail_fault is not None

    def metrics(self) -> list[Metric]:
        """Return the counts; states are told of though there is no job in them."""
        going: _Values = {(state.value,): float(self.going[state]) for state in sorted(_GOING)}
        phases: _Values = {(phase,): float(count) for phase, count in sorted(self.phases.items())}
        ended: _Values = {labels: float(count) for labels, count in sorted(self.ended.items())}
        return [
            Metric(name="jobs", help="Jobs that have not ended, by state.", values=going, labels=("state",)),
            Metric(name="jobs_training", help="Jobs that train, by phase.", values=phases, labels=("phase",)),
            _single("queue_wait_seconds", "How long the job that waits longest has waited.", self.longest_wait_s),
            Metric(
                name="jobs_ended_last_day",
                help="Jobs that ended within a day, by their end and the code of what was wrong.",
                values=ended,
                labels=("state", "code"),
            ),
            _single("mails_owed", "Mails about the end of a job that are still to be sent.", self.num_mails_owed),
            _single(
                "mails_refused_last_day",
                "Jobs that ended within a day and whose mail was refused for good.",
                self.num_mails_refused,
            ),
            _single("jobs_unreadable", "Jobs that cannot be read; the log names them.", self.num_unreadable),
        ]


def count_jobs(store: JobStore, heartbeats: HeartbeatStore, *, now: datetime) -> Census:
    """Count all open jobs, and those that ended within a day, page by page.

    Raises:
        Transient: If a store does not answer.
    """
    census, until = Census(now), now + _MOMENT
    for page in pages(store, frozenset(JobState), updated_before=until, open_only=True):
        census.num_unreadable += len(page.unreadable)
        for stored in page.jobs:
            census.add_open(as_told(stored.job, heartbeats))
    for page in pages(store, END_STATES, updated_before=until, updated_from=now - _LATELY):
        for stored in page.jobs:
            census.add_ended(stored.job)
    return census


def disk_metrics(measure: Callable[[], tuple[int, int]]) -> list[Metric]:
    """Return what the disk with the data of the service has.

    Args:
        measure: Tells its size and what is free of it, in bytes.
    """
    size, free = measure()
    return [
        _single("disk_size_bytes", "Size of the disk that jobs, archives and networks lie on.", size),
        _single("disk_free_bytes", "What is free of it.", free),
    ]


def exposition(metrics: list[Metric]) -> str:
    """Return gauges in the text format of Prometheus, version 0.0.4.

    Source: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name = f"convtailor_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} gauge"
    for values, number in metric.values.items():
        pairs = zip(metric.labels, values, strict=True)
        labels = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in pairs)
        yield f"{name}{{{labels}}} {number:.15g}" if labels else f"{name} {number:.15g}"


def _single(name: str, text: str, number: float) -> Metric:
    return Metric(name=name, help=text, values={(): float(number)})
