"""A Flask app as every service has it: one shape for every error, careful headers, a log line for every request."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from shared.errors import Fault
from shared.web.error_reply import DEFAULT_HEADERS, OwnErrors, error_response, reply_of

MAX_BODY_BYTES = 64 * 2**10
"""Cap on every body but uploads: an address and a dozen options, or an event in its envelope, are under 2 KiB."""

Face = Callable[[Fault, int], Response | None]
"""From a fault and its status to a page, where one was asked for."""
_access_log = logging.getLogger("shared.web.access")
_STARTED_S = "convtailor.started_s"
_HEADERS = tuple((name.lower(), (name, value)) for name, value in DEFAULT_HEADERS.items())

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class _App(Flask):
    """Adds the headers of every answer where the server takes them: as a hook they would be looked up one by one."""

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[_STARTED_S] = time.perf_counter()

        def start(status: str, headers: Sequence[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, with_default_headers(headers), exc_info)

        return super().wsgi_app(environ, start)


def with_default_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers with those of every answer that an answer has not set otherwise."""
    named = {name.lower() for name, _ in headers}
    return [*headers, *[header for name, header in _HEADERS if name not in named]]


def make_app(name: str, own: OwnErrors, face: Face | None = None) -> Flask:
    """Make an app without routes.

    Args:
        name: Of the app.
        own: What the service says of errors besides what all of them say.
        face: Tells an error to a person; ``None``, or its answer is, where a program asks.
    """
    app = _App(name, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, TRAP_HTTP_EXCEPTIONS=False)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base class does not

    def answer_error(error: Exception) -> Response | HTTPException:
        return _answer_error(error, own, face)

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


def _log_access(response: Response) -> Response:
    """Log the route, never the address itself: query strings and signed paths carry secrets."""
    asked = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Werkzeug's own way
    rule = asked.url_rule.rule if asked.url_rule else "(no route)"
    elapsed_ms = round((time.perf_counter() - asked.environ[_STARTED_S]) * 1000, 1)
    line = {"method": asked.method, "route": rule, "status": response.status_code, "duration_ms": elapsed_ms}
    job_id = (asked.view_args or {}).get("job_id") or g.get("job_id")  # in the address, or just made
    if job_id is not None:
        line["job_id"] = job_id
    _access_log.info("%s %s %d", asked.method, rule, response.status_code, extra=line)
    return response
