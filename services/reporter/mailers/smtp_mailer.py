"""Mail through any SMTP server.

What the server says → what becomes of the mail:

=====================================================  ======================================================
no connection, time-out, connection lost, any 4xx      ``Transient``
log-in refused, STARTTLS not offered, bad certificate  ``Transient``: an operator mends it, the mail waits
sender refused                                         ``Transient``, but 552 (too large): ``mail_refused``
recipient refused with 5xx (550 no such user)          ``mail_refused``
data refused with 5xx (552 too large, 554 content)     ``mail_refused``
address outside ASCII, server without SMTPUTF8         ``mail_refused``
=====================================================  ======================================================
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from enum import StrEnum

from shared.errors import Transient, UserFault

_PERMANENT = 500
_TOO_LARGE = 552


class Security(StrEnum):
    """How the connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in.

    Args:
        host: Its name.
        port: Usually 587 with STARTTLS, 465 with TLS, 25 with neither.
        security: How the connection is protected.
        user: Name to log in with; ``None``: no log-in.
        password: Its password.
        timeout_s: Longest wait for any one answer.
        ca_file: Certificates to trust instead of the system's.
    """

    host: str
    port: int
    security: Security = Security.STARTTLS
    user: str | None = None
    password: str = field(default="", repr=False)
    timeout_s: float = 20.0
    ca_file: str | None = None


class SmtpMailer:
    """Sends every message over a connection of its own: mails are rare, and idle connections die unseen.

    Args:
        server: Where to hand in.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    def send(self, message: EmailMessage) -> None:
        """Send the message; see :class:`services.reporter.mailers.mailer.Mailer`."""
        with _translated(self._server, str(message["To"])), self._connected() as connection:
            _hand_in(connection, message)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Connect, protect and log in; an accepted message stays accepted even if the farewell fails."""
        server = self._server
        connection: smtplib.SMTP
        if server.security is Security.TLS:
            connection = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=self._context())
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
        try:
            if server.security is Security.STARTTLS:
                connection.starttls(context=self._context())
            if server.user is not None:
                connection.login(server.user, server.password)
            yield connection
            try:
                connection.quit()
            except (smtplib.SMTPException, OSError):
                return
        finally:
            connection.close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._server.ca_file)


def _hand_in(connection: smtplib.SMTP, message: EmailMessage) -> None:
    """Send the bytes as they are; ``send_message`` would write ``>From`` where a line begins with ``From``."""
    sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
    is_ascii = f"{sender}{recipient}".isascii()
    data = message.as_bytes(policy=SMTP if is_ascii else SMTPUTF8)
    connection.sendmail(sender, [recipient], data, mail_options=() if is_ascii else ("SMTPUTF8", "BODY=8BITMIME"))


@contextmanager
def _translated(server: SmtpServer, recipient: str) -> Iterator[None]:
    """Translate what smtplib raises by the table of the module."""
    place = f"{server.host}:{server.port}"
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        raise _refusal(code, reason, recipient, place) from error
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error, recipient, place) from error
    except smtplib.SMTPSenderRefused as error:
        code = _TOO_LARGE if error.smtp_code == _TOO_LARGE else 0
        raise _refusal(code, error.smtp_error, recipient, place) from error
    except smtplib.SMTPNotSupportedError as error:
        code = _PERMANENT if not recipient.isascii() else 0
        raise _refusal(code, str(error), recipient, place) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Transient(f"the mail server {place} did not take the mail now: {error}") from error


def _refusal(code: int, reason: bytes | str, recipient: str, place: str) -> Exception:
    """Return the error for an answer of the server."""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    if code < _PERMANENT:
        return Transient(f"the mail server {place} did not take the mail now: {code} {text}")
    return UserFault(
        "mail_refused",
        f"The mail server refused the report for {recipient}: {code} {text}",
        fix="Fetch the report from the status page, and give another address with the next job.",
        details={"smtp_code": code},
    )
