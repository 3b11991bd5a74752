"""What only operators may ask for, by an API key of theirs."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, request

from services.intake.admission import check_operator
from services.intake.api.operator_document import JobList, list_document
from services.intake.api.routes import JobRoutes, answer, hours_asked, invalid_option, shown_token
from services.intake.operation.retry import retry_kind
from services.intake.overview.disk import look_at_disk, measured
from services.intake.overview.listing import Order, Wanted, list_jobs
from services.intake.overview.metrics import count_jobs
from shared.job.job import JobState

MOST_HOURS = 720
"""How far back ended jobs are listed."""
_USUAL = timedelta(days=1)
_STATES = ", ".join(JobState)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRoutes:
    """The routes and what they may touch.

    Args:
        jobs: What the routes of jobs may touch.
    """

    jobs: JobRoutes

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("operator", __name__)
        routes.add_url_rule("/v1/jobs", view_func=self.list, methods=["GET"])
        routes.add_url_rule("/v1/disk", view_func=self.disk)
        routes.add_url_rule("/metrics", view_func=self.metrics)
        return routes

    def metrics(self) -> Response:
        """Tell a monitor how the service fares."""
        self._check()
        from services.intake.overview.exposition import exposition  # noqa: PLC0415 - a tenth of a second at start

        jobs = self.jobs
        census = count_jobs(jobs.store, jobs.heartbeats, now=jobs.clock())
        disk = None if jobs.data_dir is None else measured(jobs.data_dir)
        told, content_type = exposition(census, disk, accept=request.headers.get("Accept", ""))
        return Response(told, content_type=content_type)

    def list(self) -> Response:
        """Tell of all jobs."""
        self._check()
        return answer(listed(self.jobs, wanted()))

    def disk(self) -> Response:
        """Tell what takes how much room."""
        self._check()
        return answer(look_at_disk(self.jobs.objects, self.jobs.data_dir))

    def _check(self) -> None:
        check_operator(self.jobs.admission.store, shown_token("key_invalid"))


def wanted() -> Wanted:
    """Return which jobs the query asks for.

    Raises:
        UserFault: ``invalid_option``.
    """
    return Wanted(states=_states(), ended_within=hours_asked(_USUAL, most=MOST_HOURS), order=_order())


def listed(jobs: JobRoutes, asked: Wanted) -> JobList:
    """Return the jobs that are asked for, as operators are told of them."""
    now = jobs.clock()
    listing = list_jobs(jobs.store, jobs.heartbeats, now=now, wanted=asked)
    return list_document(
        listing, jobs.queue.place_of, lambda job: retry_kind(job, retention=jobs.links.retention, now=now)
    )


def _states() -> frozenset[JobState]:
    named = [each for each in request.args.get("state", "").split(",") if each]
    unknown = [each for each in named if each not in set(JobState)]
    if unknown:
        raise invalid_option("state", f"There is no state {unknown[0][:40]!r}.", f"Use one or more of: {_STATES}.")
    return frozenset(map(JobState, named)) or frozenset(JobState)


def _order() -> Order:
    named = request.args.get("sort") or Order.AGE
    if named not in set(Order):
        raise invalid_option("sort", f"There is no order {named[:40]!r}.", f"Use one of: {', '.join(Order)}.")
    return Order(named)
