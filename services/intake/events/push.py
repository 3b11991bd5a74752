"""What Google's products call: Pub/Sub with uploaded archives, Cloud Scheduler to sweep. Internal; no part of the API.

Archives are told of twice: by the object store itself, in the attributes of its notification, and by our own sweeper,
as an event. Both come on one topic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from services.intake.events.expiry import Expiry
from shared.clock import Clock
from shared.job.events import Event, Topic
from shared.json_codec import to_json
from shared.messaging.disposition import Handler
from shared.messaging.envelope import Envelope, read_event
from shared.messaging.push import PushAnswer, PushEndpoint, answer_call, answer_push
from shared.messaging.sweeper import SweepReport
from shared.push_gate import PushGate
from shared.web.push_reply import push_response

_NOTIFICATION = "eventType"
"""Attribute that every notification of Cloud Storage has, and no event of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRoutes:
    """The routes and what they may touch.

    Args:
        gate: Knows who may call.
        handle: Called with every event of an uploaded archive.
        sweep: Looks once at every job that has something left to be done.
        expire: Deletes once what has been kept for long enough.
        clock: Tells the time.
    """

    gate: PushGate
    handle: Handler
    sweep: Callable[[], SweepReport]
    expire: Callable[[], Expiry]
    clock: Clock

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("pushes", __name__)
        routes.add_url_rule("/push/uploads", view_func=self.take_upload, methods=["POST"])
        routes.add_url_rule("/tasks/sweep", view_func=self.run_sweep, methods=["POST"])
        routes.add_url_rule("/tasks/expire", view_func=self.run_expiry, methods=["POST"])
        return routes

    def take_upload(self) -> ResponseReturnValue:
        """Look at the archive that a message tells of."""
        endpoint = PushEndpoint(
            topic=Topic.UPLOADS,
            verifier=self.gate.verifier,
            handler=self.handle,
            record_dead=partial(self.gate.record_dead, Topic.UPLOADS),
            read=self._read,
        )
        return push_response(answer_push(request.get_data(cache=False), request.headers.get("Authorization"), endpoint))

    def run_sweep(self) -> ResponseReturnValue:
        """Set stranded jobs going again, and tell how many there were."""
        return push_response(answer_call(request.headers.get("Authorization"), self.gate.verifier, self._swept))

    def run_expiry(self) -> ResponseReturnValue:
        """Delete what has been kept for long enough, and tell how much it was."""
        return push_response(answer_call(request.headers.get("Authorization"), self.gate.verifier, self._expired))

    def _read(self, envelope: Envelope) -> Event | None:
        """Make the event of a message, whoever sent it."""
        if _NOTIFICATION in envelope.message.attributes:
            return self.gate.notified(envelope.message.attributes, self.clock())
        return read_event(envelope)

    def _swept(self) -> PushAnswer:
        return PushAnswer(status=200, document=to_json(self.sweep()))

    def _expired(self) -> PushAnswer:
        return PushAnswer(status=200, document=to_json(self.expire()))
