"""Any error as an answer: one table from errors to HTTP status, one JSON shape for all of them."""

import logging
import secrets

from werkzeug.exceptions import HTTPException

from shared.errors import Conflict, Fault, NotFound, Transient, UserFault

_log = logging.getLogger(__name__)

STATUS_OF_CODE = {
    "email_missing": 400,
    "field_repeated": 400,
    "invalid_email": 400,
    "invalid_format": 400,
    "invalid_json": 400,
    "invalid_option": 400,
    "invalid_request": 400,
    "unknown_option": 400,
    "upload_empty": 400,
    "upload_incomplete": 400,
    "token_missing": 401,
    "url_invalid": 403,
    "artefact_absent": 404,
    "job_not_found": 404,
    "already_uploaded": 409,
    "artefact_not_ready": 409,
    "job_already_ended": 409,
    "url_expired": 410,
    "upload_too_large": 413,
    "unsupported_media_type": 415,
    "upload_wrong_type": 415,
}
"""HTTP status of a :class:`UserFault` by its code."""

_FAULT_OF_ERROR: dict[type[Exception], tuple[int, Fault]] = {
    Conflict: (
        409,
        Fault(code="conflict", message="The job changed in the same moment.", fix="Look at its status and try again."),
    ),
    NotFound: (
        404,
        Fault(code="not_found", message="There is no such thing here.", fix="Check the address."),
    ),
    Transient: (
        503,
        Fault(code="try_again", message="The service cannot do this just now.", fix="Try again in a few seconds."),
    ),
}

_INTERNAL_ERROR = "internal_error"

_FAULT_OF_STATUS = {
    400: Fault(
        code="bad_request", message="The request cannot be read.", fix="Compare it with the examples at /openapi.json."
    ),
    404: Fault(
        code="route_not_found", message="There is nothing at this address.", fix="See /openapi.json for what there is."
    ),
    405: Fault(
        code="method_not_allowed",
        message="This address does not take that method.",
        fix="Use a method that the Allow header names; /openapi.json lists them.",
    ),
    413: Fault(
        code="body_too_large",
        message="The request body is larger than this address takes.",
        fix="Send only e-mail and options here; the archive goes to the upload URL.",
    ),
    415: Fault(
        code="unsupported_media_type",
        message="The body is of a type that this address does not take.",
        fix="Send JSON with Content-Type: application/json, or a form.",
    ),
    416: Fault(
        code="range_not_satisfiable",
        message="The object has no bytes in the range asked for.",
        fix="Ask for a range inside the object, or without the Range header.",
    ),
}


def reply_of(error: Exception) -> tuple[Fault, int]:
    """Return what to say about an error and its HTTP status.

    Anything that convtailor does not raise on purpose is logged with its traceback under an incident number, and
    the answer carries only that number.
    """
    if isinstance(error, UserFault):
        return error.fault, STATUS_OF_CODE.get(error.fault.code, 400)
    if isinstance(error, HTTPException):
        return _reply_of_http(error)
    for kind, (status, fault) in _FAULT_OF_ERROR.items():
        if isinstance(error, kind):
            _log.warning("%s answered with %d: %s", kind.__name__, status, error)
            return fault, status
    incident = secrets.token_hex(6)
    _log.error("incident %s", incident, exc_info=error)
    message, fix = "Something broke on our side.", f"Try again; if it stays, report incident {incident}."
    return Fault(code=_INTERNAL_ERROR, message=message, fix=fix, details={"incident": incident}), 500


def known_codes() -> frozenset[tuple[int, str]]:
    """Return every status and code that the API answers with, for its documentation."""
    of_errors = {(status, fault.code) for status, fault in _FAULT_OF_ERROR.values()}
    of_statuses = {(status, fault.code) for status, fault in _FAULT_OF_STATUS.items()}
    of_faults = {(status, code) for code, status in STATUS_OF_CODE.items()}
    return frozenset({(500, _INTERNAL_ERROR)} | of_errors | of_statuses | of_faults)


def _reply_of_http(error: HTTPException) -> tuple[Fault, int]:
    status = error.code or 500
    if status in _FAULT_OF_STATUS:
        return _FAULT_OF_STATUS[status], status
    message = f"The request was answered with {status} {error.name}."
    return Fault(code=error.name.lower().replace(" ", "_"), message=message, fix="See /openapi.json."), status
