"""Mail through SendGrid's HTTP API, for places where no SMTP port is open.

What SendGrid answers → what becomes of the mail:

=====================================================  ======================================================
202                                                    accepted
no connection, time-out, connection lost, any 5xx      ``Transient``
429                                                    ``Transient``; nothing is sent before Retry-After is over
401, 403 (key, sender identity), 404 (host), others    ``Transient``: an operator mends it, the mail waits
400 about the sender                                   ``Transient``, likewise
400 about anything else (address, content)             ``mail_refused``
413 (over 30 MB)                                       ``mail_refused``
=====================================================  ======================================================

SendGrid knows no idempotency key, so a repeat is a second mail; both carry the same X-Job-Id.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from services.reporter.mailers.sendgrid_document import to_document
from shared.errors import Transient, UserFault
from shared.json_codec import from_json

_LONGEST_PAUSE_S = 3600.0
_MOST_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridAccount:
    """Where mail is handed in.

    Args:
        key: API key with the right to send mail.
        host: Address of the API; accounts of the European Union have another than the usual one.
        timeout_s: Longest wait for any one answer.
    """

    key: str = field(repr=False)
    host: str = "https://api.sendgrid.com"
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Complaint:
    """One of the errors in SendGrid's answer."""

    message: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Complaints:
    errors: tuple[_Complaint, ...] = ()


class SendGridMailer:
    """Hands every message over in one request of its own.

    Args:
        account: Where to hand in.
        stopwatch: Seconds that only ever grow.
    """

    def __init__(self, account: SendGridAccount, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._account, self._stopwatch = account, stopwatch
        self._paused_until_s = 0.0
        # At DEBUG the library logs every header, the key among them.
        logging.getLogger("python_http_client").setLevel(logging.INFO)

    def send(self, message: EmailMessage) -> None:
        """Send the message; see :class:`services.reporter.mailers.mailer.Mailer`."""
        wait_s = self._paused_until_s - self._stopwatch()
        if wait_s > 0:
            raise Transient(f"SendGrid asked to be left alone for another {wait_s:.0f} s")
        document = to_document(message)
        with self._translated(str(message["To"])):
            # The client is a mere builder of requests, and not safe for threads.
            client = SendGridAPIClient(self._account.key, host=self._account.host)
            client.client.timeout = self._account.timeout_s
            status = client.send(document).status_code
        if status != HTTPStatus.ACCEPTED:
            raise Transient(f"{self._account.host} answered {status}, expected 202; compare CONVTAILOR_SENDGRID_HOST")

    @contextmanager
    def _translated(self, recipient: str) -> Iterator[None]:
        """Translate what the client raises by the table of the module."""
        try:
            yield
        except HTTPError as error:
            if error.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                self._paused_until_s = self._stopwatch() + _pause_s(error.headers)
            raise _refusal(error.status_code, error.body, recipient) from error
        except (OSError, HTTPException) as error:
            raise Transient(f"{self._account.host} did not take the mail now: {error}") from error


def _refusal(status: int, body: bytes, recipient: str) -> Exception:
    """Return the error for an answer."""
    complaints = _read(body)
    told = "; ".join(filter(None, (each.message for each in complaints))) or "no reason given"
    reason = f"{status} {told[:_MOST_CHARS]}"
    is_about_sender = any((each.field or "").startswith(("from", "reply_to")) for each in complaints)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (status == HTTPStatus.BAD_REQUEST and not is_about_sender):
        return UserFault(
            "mail_refused",
            f"SendGrid refused the report for {recipient}: {reason}",
            fix="Fetch the report from the status page, and give another address with the next job.",
            details={"http_status": status},
        )
    return Transient(f"SendGrid did not take the mail now: {reason}")


def _read(body: bytes) -> tuple[_Complaint, ...]:
    """Return what SendGrid complains of; nothing where the answer comes from something else in between."""
    try:
        return from_json(_Complaints, json.loads(body)).errors
    except (ValueError, RecursionError):
        return ()


def _pause_s(headers: Mapping[str, Any]) -> float:
    """Return for how long to send nothing: seconds, or until a date (RFC 9110, 10.2.3); 0 where nothing is said."""
    wanted = str(headers.get("Retry-After") or "").strip()
    if wanted.isdecimal():
        return min(float(wanted), _LONGEST_PAUSE_S)
    try:
        wait_s = (parsedate_to_datetime(wanted) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(wait_s, 0.0), _LONGEST_PAUSE_S)
