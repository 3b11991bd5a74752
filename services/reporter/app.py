"""The Flask app of a reporter that is pushed to: one route for ends of jobs, one shape for every error."""

import logging
import secrets
import time
from functools import partial

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from shared.errors import Fault, Transient
from shared.job.events import Topic
from shared.messaging.disposition import Handler
from shared.messaging.push import PushAnswer, PushEndpoint, answer_push
from shared.ports.job_store import JobStore
from shared.push_gate import PushGate

MAX_BODY_BYTES = 64 * 2**10
"""Cap on every body: an event in its envelope is under 2 KiB."""

_log = logging.getLogger(__name__)
_access_log = logging.getLogger("services.reporter.access")


def create_app(handle: Handler, store: JobStore, gate: PushGate) -> Flask:
    """Make the app.

    Args:
        handle: Reports the end of an event's job; safe for threads.
        store: The jobs.
        gate: Knows who may push.
    """
    endpoint = PushEndpoint(
        topic=Topic.RESULTS,
        verifier=gate.verifier,
        handler=handle,
        record_dead=partial(gate.record_dead, Topic.RESULTS),
    )

    def take_result() -> ResponseReturnValue:
        """Report the end that a message tells of."""
        return answer_push(request.get_data(cache=False), request.headers.get("Authorization"), endpoint).to_http()

    def healthz() -> ResponseReturnValue:
        """Tell that the store can be read; a store that does not answer makes it 503."""
        store.pending_events(limit=1)
        return {"status": "ok"}

    app = Flask("convtailor-reporter", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES)
    app.add_url_rule("/push/results", view_func=take_result, methods=["POST"])
    app.add_url_rule("/healthz", view_func=healthz)
    app.before_request(_start_watch)
    app.after_request(_log_access)
    app.register_error_handler(Exception, _answer_error)
    return app


def _answer_error(error: Exception) -> ResponseReturnValue:
    """Answer any error in the one shape."""
    if isinstance(error, HTTPException):
        status, name = error.code or 500, error.name
        told = Fault(
            code=name.lower().replace(" ", "_"),
            message=f"The request was answered with {status} {name}.",
            fix="POST /push/results and GET /healthz are all there is.",
        )
        return PushAnswer(status=status, fault=told).to_http()
    if isinstance(error, Transient):
        _log.warning("answered with 503: %s", error)
        told = Fault(
            code="try_again", message="The service cannot do this just now.", fix="Try again in a few seconds."
        )
        return PushAnswer(status=503, fault=told).to_http()
    incident = secrets.token_hex(6)
    _log.error("incident %s", incident, exc_info=error)
    told = Fault(
        code="internal_error",
        message="Something broke on our side.",
        fix=f"Look for incident {incident} in the log.",
        details={"incident": incident},
    )
    return PushAnswer(status=500, fault=told).to_http()


def _start_watch() -> None:
    g.started_s = time.perf_counter()


def _log_access(response: Response) -> Response:
    """Log the route, never headers or bodies."""
    rule = request.url_rule.rule if request.url_rule else "(no route)"
    elapsed_ms = round((time.perf_counter() - g.get("started_s", time.perf_counter())) * 1000, 1)
    line = {"method": request.method, "route": rule, "status": response.status_code, "duration_ms": elapsed_ms}
    _access_log.info("%s %s %d", request.method, rule, response.status_code, extra=line)
    return response
