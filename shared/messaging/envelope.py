"""The envelope in which Pub/Sub pushes a message over HTTP."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from shared.errors import ConvtailorError
from shared.job.events import Event, decode
from shared.json_codec import faults_of, from_json


class EnvelopeRefused(ConvtailorError):
    """A body that is no envelope of Pub/Sub."""


def _bytes_of(value: object) -> object:
    """Decode base64; a message that has only attributes has no data."""
    if value is None:
        return b""
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _mapping_of(value: object) -> object:
    return {} if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedMessage:
    """What was published.

    Args:
        message_id: Given by Pub/Sub; the same for every delivery.
        data: The bytes; empty where only attributes were published.
        attributes: Names and values beside them.
        publish_time: When, in RFC 3339.
    """

    message_id: Annotated[str, Field(alias="messageId", min_length=1)]
    data: Annotated[bytes, BeforeValidator(_bytes_of)] = b""
    attributes: Annotated[Mapping[str, str], BeforeValidator(_mapping_of)] = field(default_factory=dict)
    publish_time: Annotated[str, Field(alias="publishTime")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The body of a push request.

    Args:
        subscription: Full name of the subscription that pushes.
        message: What it delivers.
        attempt: 1 for the first delivery; ``None`` where the subscription has no dead-letter topic and does not count.
    """

    message: PushedMessage
    subscription: str = ""
    attempt: Annotated[int | None, Field(alias="deliveryAttempt")] = None


def parse_envelope(body: bytes) -> Envelope:
    """Read the body of a push request.

    Raises:
        EnvelopeRefused: If it is none.
    """
    try:
        return from_json(Envelope, json.loads(body))
    except ValidationError as error:
        raise EnvelopeRefused(f"received something else than an envelope of Pub/Sub: {faults_of(error)}") from None
    except (ValueError, RecursionError) as error:
        raise EnvelopeRefused(
            f"received {len(body)} bytes that are no JSON, expected an envelope of Pub/Sub"
        ) from error


def read_event(envelope: Envelope) -> Event | None:
    """Read an event that one of our services published.

    Raises:
        MalformedEvent: If it is none.
    """
    return decode(envelope.message.data)
