"""Push requests as Pub/Sub makes them, and a verifier that knows one token."""

import base64
import json

from shared.errors import Transient
from shared.messaging.push import CallerRefused, TokenRefused

GOOD, STRANGERS, UNCHECKABLE = "good-token", "strangers-token", "uncheckable-token"
BEARER = f"Bearer {GOOD}"


class OneToken:
    """A verifier for tests that are not about tokens."""

    def verify(self, token: str) -> None:
        if token == STRANGERS:
            raise CallerRefused("it is the token of 'stranger@x.example'")
        if token == UNCHECKABLE:
            raise Transient("the certificates cannot be had")
        if token != GOOD:
            raise TokenRefused("its signature is wrong")


def envelope(data: bytes | None = None, *, attributes: dict[str, str] | None = None, attempt: int | None = 1) -> bytes:
    """Return the body of a push; what is not given is left out, as Pub/Sub does."""
    message: dict[str, object] = {"messageId": "4711", "message_id": "4711", "publishTime": "2026-03-01T12:00:00.25Z"}
    if data is not None:
        message["data"] = base64.b64encode(data).decode()
    if attributes is not None:
        message["attributes"] = attributes
    document: dict[str, object] = {"message": message, "subscription": "projects/p/subscriptions/convtailor-uploads"}
    if attempt is not None:
        document["deliveryAttempt"] = attempt
    return json.dumps(document).encode()
