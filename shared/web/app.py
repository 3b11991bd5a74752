"""A Flask app as every service has it: one shape for every error, careful headers, a log line for every request."""

import logging
import time
from collections.abc import Callable

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from shared.errors import Fault
from shared.web.error_reply import DEFAULT_HEADERS, OwnErrors, error_response, reply_of

MAX_BODY_BYTES = 64 * 2**10
"""Cap on every body but uploads: an address and a dozen options, or an event in its envelope, are under 2 KiB."""

Face = Callable[[Fault, int], Response | None]
"""From a fault and its status to a page, where one was asked for."""
_access_log = logging.getLogger("shared.web.access")


def make_app(name: str, own: OwnErrors, face: Face | None = None) -> Flask:
    """Make an app without routes.

    Args:
        name: Of the app.
        own: What the service says of errors besides what all of them say.
        face: Tells an error to a person; ``None``, or its answer is, where a program asks.
    """
    app = Flask(name, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, TRAP_HTTP_EXCEPTIONS=False)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base class does not

    def answer_error(error: Exception) -> Response | HTTPException:
        return _answer_error(error, own, face)

    app.before_request(_start_watch)
    app.after_request(_add_headers)
    app.after_request(_log_access)
    app.register_error_handler(Exception, answer_error)
    return app


def _answer_error(error: Exception, own: OwnErrors, face: Face | None) -> Response | HTTPException:
    """Answer any error in the one shape."""
    if isinstance(error, HTTPException) and (error.code or 500) < 400:  # noqa: PLR2004 - redirects are no errors
        return error
    fault, status = reply_of(error, own)
    response = (face and face(fault, status)) or error_response(fault, status)
    if isinstance(error, HTTPException):  # Allow, WWW-Authenticate, Content-Range
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")
        )
    return response


def _start_watch() -> None:
    g.started_s = time.perf_counter()


def _add_headers(response: Response) -> Response:
    for name, value in DEFAULT_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _log_access(response: Response) -> Response:
    """Log the route, never the address itself: query strings and signed paths carry secrets."""
    rule = request.url_rule.rule if request.url_rule else "(no route)"
    elapsed_ms = round((time.perf_counter() - g.get("started_s", time.perf_counter())) * 1000, 1)
    line = {"method": request.method, "route": rule, "status": response.status_code, "duration_ms": elapsed_ms}
    job_id = (request.view_args or {}).get("job_id", g.get("job_id"))  # in the address, or just made
    if job_id is not None:
        line["job_id"] = job_id
    _access_log.info("%s %s %d", request.method, rule, response.status_code, extra=line)
    return response
