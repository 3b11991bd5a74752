"""What only operators may ask for, by an API key of theirs."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response

from services.intake.admission import check_operator
from services.intake.api.operator_document import list_document
from services.intake.api.routes import JobRoutes, answer, hours_asked, shown_token
from services.intake.overview.listing import list_jobs

MOST_HOURS = 720
"""How far back ended jobs are listed."""
_USUAL = timedelta(days=1)


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
        return routes

    def list(self) -> Response:
        """Tell of all jobs."""
        jobs = self.jobs
        check_operator(jobs.admission.store, shown_token("key_invalid"))
        within = hours_asked(_USUAL, most=MOST_HOURS)
        listing = list_jobs(jobs.store, jobs.heartbeats, now=jobs.clock(), ended_within=within)
        return answer(list_document(listing, jobs.queue.place_of))
