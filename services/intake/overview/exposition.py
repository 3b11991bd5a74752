"""What was counted, as gauges in the format that a monitor asks for; the library of Prometheus writes them."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

from services.intake.overview.metrics import GOING, Census

_PREFIX = "convtailor"
_Numbers = Mapping[tuple[str, ...], float]


def exposition(census: Census, disk: tuple[int, int] | None, *, accept: str = "") -> tuple[bytes, str]:
    """Return gauges and their content type.

    A registry of its own for each scrape: the stores have the counts, and no process keeps any.

    Args:
        census: Jobs, as they were counted just now.
        disk: Size of the disk with the data and what is free of it, in bytes; ``None`` where there is no such disk.
        accept: The Accept header of who asks; it decides between Prometheus's own text and OpenMetrics.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(gauges(census, disk)))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def gauges(census: Census, disk: tuple[int, int] | None) -> list[GaugeMetricFamily]:
    """Return every gauge; see :func:`exposition`."""
    return [*_of_jobs(census), *(_of_disk(*disk) if disk else ())]


class _Counted:
    """What a registry collects, which is there already."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the gauges."""
        return self._families


def _of_jobs(census: Census) -> Iterator[GaugeMetricFamily]:
    """Yield the counts; states are told of though there is no job in them."""
    going: _Numbers = {(state.value,): census.going[state] for state in sorted(GOING)}
    phases: _Numbers = {(phase,): number for phase, number in sorted(census.phases.items())}
    ended = dict(sorted(census.ended.items()))
    yield _gauge("jobs", "Jobs that have not ended, by state.", going, labels=("state",))
    yield _gauge("jobs_training", "Jobs that train, by phase.", phases, labels=("phase",))
    yield _gauge("queue_wait_seconds", "How long the job that waits longest has waited.", census.longest_wait_s)
    help_of_ended = "Jobs that ended within a day, by their end and the code of what was wrong."
    yield _gauge("jobs_ended_last_day", help_of_ended, ended, labels=("state", "code"))
    yield _gauge("mails_owed", "Mails about the end of a job that are still to be sent.", census.num_mails_owed)
    help_of_refused = "Jobs that ended within a day and whose mail was refused for good."
    yield _gauge("mails_refused_last_day", help_of_refused, census.num_mails_refused)
    yield _gauge("jobs_unreadable", "Jobs that cannot be read; the log names them.", census.num_unreadable)


def _of_disk(size_bytes: int, free_bytes: int) -> Iterator[GaugeMetricFamily]:
    yield _gauge("disk_size_bytes", "Size of the disk that jobs, archives and networks lie on.", size_bytes)
    yield _gauge("disk_free_bytes", "What is free of it.", free_bytes)


def _gauge(name: str, text: str, numbers: float | _Numbers, *, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=labels)
    for values, number in numbers.items() if isinstance(numbers, Mapping) else (((), numbers),):
        family.add_metric(values, number)
    return family
