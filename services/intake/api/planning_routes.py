"""What is planned before a training: what it would take, and that an archive is to be trained once more."""

from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, request

from services.intake.admission import Admitted
from services.intake.api.body import fields_of, json_object
from services.intake.api.document import retrained_document
from services.intake.api.routes import JobRoutes, answer, token
from services.intake.overview.estimate import EstimateLook
from services.intake.retraining.retrain import Retrainer
from services.intake.retraining.wish import Wish
from shared.errors import Fault, UserFault, faults_together
from shared.job.job import Job
from shared.job.options import parse_options
from shared.job.retraining.correction import read_corrections
from shared.json_codec import to_json

_MOST_CORRECTION_BYTES = 8 * 2**20
"""Ten thousand corrections, of which each names a long path and a long class."""
_MOST_KEY_CHARACTERS = 255
_MOST_IMAGES_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningRoutes:
    """The routes and what they may touch.

    Args:
        jobs: What the routes of jobs may touch.
        estimates: Tells what trainings take.
    """

    jobs: JobRoutes
    estimates: EstimateLook

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("planning", __name__)
        routes.add_url_rule("/v1/estimate", view_func=self.estimate)
        routes.add_url_rule("/v1/jobs/<job_id>/retrain", view_func=self.retrain, methods=["POST"])
        return routes

    def estimate(self) -> Response:
        """Tell what a training would take."""
        fields = fields_of(request.args)
        num_images = _whole(fields.pop("num_images", None))
        options, faults = parse_options(fields, is_priced=self.jobs.terms.is_priced)
        if options is None:
            raise faults_together(faults, code="invalid_request")
        return jsonify(to_json(self.estimates.estimate(num_images, options)))

    def retrain(self, job_id: str) -> tuple[Response, int, dict[str, str]]:
        """Make a job that trains from the same archive, with corrections."""
        jobs = self.jobs
        request.max_content_length = _MOST_CORRECTION_BYTES
        wish = Wish(
            job_id=job_id,
            token=token(),
            corrections=read_corrections(json_object().get("corrections")),
            key=request.headers.get("Idempotency-Key", "")[:_MOST_KEY_CHARACTERS],
        )

        def admit(first: Job) -> Admitted:
            with jobs.capacity.place():
                return jobs.admission.admit_again(first, jobs.caller(), jobs.clock())

        retrained = self._retrainer().retrain(wish, admit)
        document = retrained_document(retrained, public_url=jobs.here())
        return answer(document), 201 if retrained.is_new else 200, {"Location": document.status_url}

    def _retrainer(self) -> Retrainer:
        jobs = self.jobs
        return Retrainer(
            store=jobs.store,
            objects=jobs.objects,
            bus=jobs.bus,
            clock=jobs.clock,
            upload=jobs.terms,
            links=jobs.links,
        )


def _whole(value: object) -> int:
    """Read how many photographs there are."""
    text = str(value or "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_IMAGES_DIGITS and int(text)):
        message, fix = f"Received {text[:40]!r} photographs.", "Send num_images, a whole number from 1."
        raise UserFault.of(Fault(code="invalid_option", message=message, fix=fix, details={"field": "num_images"}))
    return int(text)
