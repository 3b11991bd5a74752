"""The Flask app of intake: its routes, one shape for every error, and a log line for every request."""

import logging
import time

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from services.intake.api.document import ErrorDocument
from services.intake.api.error_reply import reply_of
from services.intake.api.routes import JobRoutes
from services.intake.events.push import PushRoutes
from services.intake.uploads import ObjectRoutes
from shared.json_codec import to_json

MAX_BODY_BYTES = 64 * 2**10
"""Cap on every body but uploads: an address and a dozen options are under 2 KiB."""

_access_log = logging.getLogger("services.intake.access")


def create_app(jobs: JobRoutes, objects: ObjectRoutes | None = None, pushes: PushRoutes | None = None) -> Flask:
    """Make the app.

    Args:
        jobs: The API of jobs, with all it may touch.
        objects: Signed URLs, where no product of the object store's own serves them.
        pushes: Events and the sweeper's calls, where a product brings them over HTTP.
    """
    app = Flask("convtailor-intake", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, TRAP_HTTP_EXCEPTIONS=False)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base class does not
    app.register_blueprint(jobs.blueprint())
    if objects is not None:
        app.register_blueprint(objects.blueprint())
    if pushes is not None:
        app.register_blueprint(pushes.blueprint())
    app.before_request(_start_watch)
    app.after_request(_add_headers)
    app.after_request(_log_access)
    app.register_error_handler(Exception, _answer_error)
    return app


def _answer_error(error: Exception) -> Response | HTTPException:
    """Answer any error in the one shape."""
    if isinstance(error, HTTPException) and (error.code or 500) < 400:  # noqa: PLR2004 - redirects are no errors
        return error
    fault, status = reply_of(error)
    response = jsonify(to_json(ErrorDocument(error=fault)))
    response.status_code = status
    if isinstance(error, HTTPException):  # Allow, WWW-Authenticate, Content-Range
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")
        )
    if status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 503:  # noqa: PLR2004
        response.headers["Retry-After"] = "2"
    return response


def _start_watch() -> None:
    g.started_s = time.perf_counter()


def _add_headers(response: Response) -> Response:
    """Keep tokens and answers out of caches and referrers, and bytes from being taken for what they are not."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
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
