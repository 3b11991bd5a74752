"""Any error as an answer: one table from errors to HTTP status, one JSON shape for all of them, on every service."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from shared.errors import STORE_FULL, TRY_AGAIN, Conflict, Fault, NotFound, StoreFull, Transient, UserFault
from shared.json_codec import to_json

_log = logging.getLogger(__name__)

_FAULT_OF_ERROR: dict[type[Exception], tuple[int, Fault]] = {
    Conflict: (
        409,
        Fault(code="conflict", message="The job changed in the same moment.", fix="Look at its status and try again."),
    ),
    NotFound: (404, Fault(code="not_found", message="There is no such thing here.", fix="Check the address.")),
    StoreFull: (507, STORE_FULL),  # before what it is a kind of
    Transient: (503, TRY_AGAIN),
}

_TOLD_OF_STATUS = {
    400: ("bad_request", "The request cannot be read."),
    404: ("route_not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("body_too_large", "The request body is larger than this address takes."),
    415: ("unsupported_media_type", "The body is of a type that this address does not take."),
    416: ("range_not_satisfiable", "The object has no bytes in the range asked for."),
}
"""Code and message of what HTTP itself refuses."""

_INTERNAL_ERROR = "internal_error"
RETRY_AFTER = "retry_after_s"
"""Detail of a fault that says after how many seconds to ask again; it becomes the header of that name."""
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}

SERVER_FAULTS = {
    400: Fault(code="bad_request", message="The request cannot be read.", fix="Send HTTP/1.1 as RFC 9112 has it."),
    408: Fault(code="request_too_slow", message="The request took too long to arrive.", fix="Send it again, at once."),
    413: Fault(
        code="body_too_large", message="The request body is larger than this address takes.", fix="Send less with it."
    ),
    414: Fault(code="address_too_long", message="The address is too long.", fix="Put the fields into the body."),
    431: Fault(code="headers_too_large", message="The headers are too large.", fix="Send fewer or shorter headers."),
    500: Fault(code=_INTERNAL_ERROR, message="Something broke on our side.", fix="Try again."),
    503: TRY_AGAIN,
}
"""What the server says by itself, without asking a route."""
DEFAULT_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
"""Of every answer: they keep tokens out of caches and referrers, and bytes from being taken for what they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument:
    """The one shape of every error, on every route."""

    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnErrors:
    """What a service says of errors besides what all of them say.

    Args:
        status_of_code: HTTP status of a :class:`UserFault` by its code; 400 where it names none.
        fixes: What to do about a refusal of HTTP itself, by its status.
        fix: What to do about one that ``fixes`` does not name.
    """

    fix: str
    fixes: Mapping[int, str] = field(default_factory=dict)
    status_of_code: Mapping[str, int] = field(default_factory=dict)

    def known(self) -> frozenset[tuple[int, str]]:
        """Return every status and code that the service answers with on purpose, for its documentation."""
        of_errors = {(status, fault.code) for status, fault in _FAULT_OF_ERROR.values()}
        of_statuses = {(status, code) for status, (code, _) in _TOLD_OF_STATUS.items()}
        of_faults = {(status, code) for code, status in self.status_of_code.items()}
        of_server = {(status, fault.code) for status, fault in SERVER_FAULTS.items()}
        return frozenset(of_errors | of_statuses | of_faults | of_server)


def reply_of(error: Exception, own: OwnErrors) -> tuple[Fault, int]:
    """Return what to say about an error and its HTTP status.

    Anything that convtailor does not raise on purpose is logged with its traceback under an incident number, and
    the answer carries only that number.

    Args:
        error: What was raised.
        own: What this service says besides.
    """
    if isinstance(error, UserFault):
        return error.fault, own.status_of_code.get(error.fault.code, 400)
    if isinstance(error, HTTPException):
        return _reply_of_http(error, own)
    for kind, (status, fault) in _FAULT_OF_ERROR.items():
        if isinstance(error, kind):
            _log.warning("%s answered with %d: %s", kind.__name__, status, error)
            return fault, status
    incident = secrets.token_hex(6)
    _log.error("incident %s", incident, exc_info=error)
    message, fix = "Something broke on our side.", f"Try again; if it stays, report incident {incident}."
    return Fault(code=_INTERNAL_ERROR, message=message, fix=fix, details={"incident": incident}), 500


def error_response(fault: Fault, status: int) -> Response:
    """Return an answer in the one shape, with the headers that its status asks for."""
    response = jsonify(to_json(ErrorDocument(error=fault)))
    response.status_code = status
    response.headers.update(headers_of(status))
    if isinstance(wait_s := fault.details.get(RETRY_AFTER), int):
        response.headers["Retry-After"] = str(wait_s)
    return response


def headers_of(status: int) -> Mapping[str, str]:
    """Return the headers that a status asks for."""
    return _HEADERS.get(status, {})


def _reply_of_http(error: HTTPException, own: OwnErrors) -> tuple[Fault, int]:
    status = error.code or 500
    unknown = (error.name.lower().replace(" ", "_"), f"The request was answered with {status} {error.name}.")
    code, message = _TOLD_OF_STATUS.get(status, unknown)
    return Fault(code=code, message=message, fix=own.fixes.get(status, own.fix)), status
