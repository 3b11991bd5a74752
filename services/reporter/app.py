"""The Flask app of a reporter that is pushed to: one route for ends of jobs in the app that every service has."""

from functools import partial

from flask import Flask, request
from flask.typing import ResponseReturnValue

from shared.job.events import Topic
from shared.messaging.disposition import Handler
from shared.messaging.push import PushEndpoint, answer_push
from shared.ports.job_store import JobStore, probe
from shared.push_gate import PushGate
from shared.web.app import make_app
from shared.web.error_reply import OwnErrors
from shared.web.push_reply import push_response

_OWN_ERRORS = OwnErrors(fix="POST /push/results and GET /healthz are all there is.")


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
        return push_response(answer_push(request.get_data(cache=False), request.headers.get("Authorization"), endpoint))

    def healthz() -> ResponseReturnValue:
        """Tell that the store can be read; a store that does not answer makes it 503."""
        probe(store)
        return {"status": "ok"}

    app = make_app("convtailor-reporter", _OWN_ERRORS)
    app.add_url_rule("/push/results", view_func=take_result, methods=["POST"])
    app.add_url_rule("/healthz", view_func=healthz)
    return app
