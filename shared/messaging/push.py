"""Messages that Pub/Sub pushes over HTTP: who may push, and which status answers them.

Any 2xx finishes a message and anything else brings it again, after a back-off that slows the whole subscription. So
what no retry can mend is recorded and answered as done.

======  =================================================================================================
204     handled; gone; nothing for this service; or poison, once it is recorded as a dead letter
400     no envelope
401     no token, or one that does not prove who sent it
403     a proven sender who is not the one expected
500     a surprise: the message comes again, until it has had its attempts
503     ``Conflict``, ``Transient``, or no certificates to check the token with: the message comes again
======  =================================================================================================
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from shared.errors import TRY_AGAIN, Conflict, ConvtailorError, Fault, Transient
from shared.job.events import Event, Topic, encode
from shared.logs import bound
from shared.messaging.disposition import Disposition, Handler, judge
from shared.messaging.envelope import Envelope, EnvelopeRefused, parse_envelope, read_event

_log = logging.getLogger(__name__)
_BEARER = "bearer"


class TokenRefused(ConvtailorError):
    """A token that does not prove who sent the request."""


class CallerRefused(ConvtailorError):
    """A token that proves somebody else than the one who may call."""


class TokenVerifier(Protocol):
    """Tells whether a request comes from the one service account that may make it. Safe for threads."""

    def verify(self, token: str) -> None:
        """Return if the token is good.

        Raises:
            TokenRefused: If it proves nothing: forged, expired, or made for another service.
            CallerRefused: If it is somebody else's.
            Transient: If it cannot be checked now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PushEndpoint:
    """Where the pushes of one topic arrive, and what they may touch.

    Args:
        topic: Which one.
        verifier: Knows who may push.
        handler: Called with each event; has to be idempotent.
        record_dead: Keeps the bytes of a message that no retry can help, with the reason; may raise ``Transient``.
        read: Makes the event of an envelope; ``None`` for one that tells nothing to this service.
    """

    topic: Topic
    verifier: TokenVerifier
    handler: Handler
    record_dead: Callable[[bytes, str], None]
    read: Callable[[Envelope], Event | None] = read_event


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAnswer:
    """What is answered.

    Args:
        status: HTTP status.
        fault: What was wrong with the request, or on our side.
        document: JSON of an answer that has something to say.
    """

    status: int
    fault: Fault | None = None
    document: Mapping[str, Any] | None = None


_DONE = PushAnswer(status=204)
_AGAIN = PushAnswer(status=503, fault=TRY_AGAIN)
_SURPRISE = PushAnswer(
    status=500,
    fault=Fault(code="internal_error", message="Something broke on our side.", fix="See the log of the service."),
)
_NO_ENVELOPE = PushAnswer(
    status=400,
    fault=Fault(
        code="push_unreadable",
        message="The body is no envelope of Pub/Sub.",
        fix="Push with the usual envelope, not unwrapped.",
    ),
)
_UNPROVEN = PushAnswer(
    status=401,
    fault=Fault(
        code="push_unauthorised",
        message="The request does not prove who sent it.",
        fix="Send an OIDC token made for CONVTAILOR_PUSH_AUDIENCE.",
    ),
)
_STRANGER = PushAnswer(
    status=403,
    fault=Fault(
        code="push_forbidden",
        message="This sender may not push here.",
        fix="Push with the service account of CONVTAILOR_PUSH_ACCOUNT.",
    ),
)


def answer_push(body: bytes, authorization: str | None, endpoint: PushEndpoint) -> PushAnswer:
    """Verify who pushes, handle the message and return the answer by the table of the module.

    Args:
        body: Of the request.
        authorization: Its ``Authorization`` header.
        endpoint: Where it arrived.
    """
    return answer_call(authorization, endpoint.verifier, partial(_settled, body, endpoint))


def answer_call(authorization: str | None, verifier: TokenVerifier, work: Callable[[], PushAnswer]) -> PushAnswer:
    """Verify who calls, do the work and return its answer, or the one for what it raised.

    Args:
        authorization: The ``Authorization`` header of the request.
        verifier: Knows who may call.
        work: What was asked for; surprises pass through.
    """
    try:
        _verify(authorization, verifier)
        return work()
    except TokenRefused as error:
        _log.warning("refused a push: %s", error)
        return _UNPROVEN
    except CallerRefused as error:
        _log.warning("refused a push: %s", error)
        return _STRANGER
    except EnvelopeRefused as error:
        _log.warning("refused a push: %s", error)
        return _NO_ENVELOPE
    except (Conflict, Transient) as error:
        _log.warning("a push has to come again: %s", error)
        return _AGAIN


def _verify(authorization: str | None, verifier: TokenVerifier) -> None:
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != _BEARER or not token.strip():
        raise TokenRefused("it carries no bearer token")
    verifier.verify(token.strip())


def _settled(body: bytes, endpoint: PushEndpoint) -> PushAnswer:
    """Handle the message and return its answer.

    Raises:
        EnvelopeRefused: If there is none.
        Transient: If poison cannot be recorded now.
    """
    envelope = parse_envelope(body)
    with bound(topic=endpoint.topic, message_id=envelope.message.message_id, attempt=envelope.attempt):
        settlement = judge(partial(endpoint.read, envelope), endpoint.handler)
        match settlement.disposition:
            case Disposition.ACK:
                return _DONE
            case Disposition.DEAD_LETTER:
                # A notification of another product is recorded as the event it was read as, which can be sent again.
                endpoint.record_dead(
                    encode(settlement.event) if settlement.event else envelope.message.data, settlement.reason
                )
                return _DONE
            case Disposition.HOLD | Disposition.NACK:
                return _AGAIN
            case Disposition.SURPRISE:
                return _SURPRISE
