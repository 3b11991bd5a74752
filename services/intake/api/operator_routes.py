"""What only operators may ask for, by an API key of theirs."""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from flask import Blueprint, Response

from services.intake.admission import check_operator
from services.intake.api.operator_document import list_document
from services.intake.api.routes import JobRoutes, answer, hours_asked, shown_token
from services.intake.overview.listing import list_jobs
from services.intake.overview.metrics import CONTENT_TYPE, count_jobs, disk_metrics, exposition

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
        routes.add_url_rule("/metrics", view_func=self.metrics)
        return routes

    def metrics(self) -> Response:
        """Tell a monitor how the service fares."""
        jobs = self.jobs
        check_operator(jobs.admission.store, shown_token("key_invalid"))
        metrics = count_jobs(jobs.store, jobs.heartbeats, now=jobs.clock()).metrics()
        if jobs.data_dir is not None:
            metrics += disk_metrics(partial(_measured, jobs.data_dir))
        return Response(exposition(metrics), content_type=CONTENT_TYPE)

    def list(self) -> Response:
        """Tell of all jobs."""
        jobs = self.jobs
        check_operator(jobs.admission.store, shown_token("key_invalid"))
        within = hours_asked(_USUAL, most=MOST_HOURS)
        listing = list_jobs(jobs.store, jobs.heartbeats, now=jobs.clock(), ended_within=within)
        return answer(list_document(listing, jobs.queue.place_of))


def _measured(folder: Path) -> tuple[int, int]:
    """Return the size of a folder's disk and what is free of it for the service, in bytes."""
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free
