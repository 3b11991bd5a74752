"""What a push is answered with, over HTTP."""

from flask import Response, jsonify

from shared.messaging.push import PushAnswer
from shared.web.error_reply import error_response


def push_response(answer: PushAnswer) -> Response:
    """Return an answer, a fault in the one shape of all errors."""
    if answer.fault is not None:
        return error_response(answer.fault, answer.status)
    response = Response() if answer.document is None else jsonify(dict(answer.document))
    response.status_code = answer.status
    return response
