"""What the server itself refuses, before any route is asked: an answer ready to be sent, in the one shape of errors."""

import json
from http import HTTPStatus

from shared.json_codec import to_json
from shared.web.error_reply import DEFAULT_HEADERS, SERVER_FAULTS, ErrorDocument, headers_of


def refusal(status: int) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    fault = SERVER_FAULTS.get(status, SERVER_FAULTS[HTTPStatus.BAD_REQUEST])
    body = json.dumps(to_json(ErrorDocument(error=fault))).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **DEFAULT_HEADERS,
        **headers_of(status),
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
