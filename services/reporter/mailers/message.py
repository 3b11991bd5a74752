"""A letter as an e-mail message: text, HTML with its pictures, and headers that cannot be forged by any name."""

from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from services.reporter.report.letter import Letter
from shared.errors import UserFault
from shared.job.job import Job, JobState

_LONGEST_SUBJECT = 150
_MOST_BYTES = 20 * 2**20
"""Largest mail sent: many mailboxes take 25 MB, SendGrid 30 MB."""


def end_of(job: Job) -> str:
    """Return the name of the end that a mail is about; the trainer's ``reporting`` ends as ``done``.

    The end of a retry is another one: programs that show mails leave out what comes under a name that they know.
    """
    end = (JobState.DONE if job.state is JobState.REPORTING else job.state).value
    return f"{end}.{job.retries}" if job.retries else end


def to_message(letter: Letter, job: Job, *, sender: Address, now: datetime) -> EmailMessage:
    """Return the message, ready to be sent.

    Raises:
        UserFault: ``mail_address_invalid``, if no mail can be addressed to the job's e-mail.
    """
    message = to_plain_message(letter.text, job, subject=letter.subject, name=end_of(job), sender=sender, now=now)
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)  # noqa: S101 - add_alternative has just put it there
    for picture in letter.pictures:
        html.add_related(
            picture.data,
            "image",
            picture.subtype,
            cid=f"<{picture.content_id}>",
            filename=f"{picture.name}.{picture.subtype}",
            disposition="inline",
        )
    return message


def to_plain_message(text: str, job: Job, *, subject: str, name: str, sender: Address, now: datetime) -> EmailMessage:
    """Return a message of text alone.

    Args:
        text: What it says.
        job: Whose person it goes to.
        subject: One line.
        name: What the mail is about; with the job it tells a repeat of it from any other mail.
        sender: Where it comes from.
        now: The present moment.

    Raises:
        UserFault: ``mail_address_invalid``, if no mail can be addressed to the job's e-mail.
    """
    recipient = _address(job.email)
    message = EmailMessage(policy=SMTP if recipient.addr_spec.isascii() else SMTPUTF8)
    message["Subject"] = subject[:_LONGEST_SUBJECT]
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{job.job_id}.{name}@{sender.domain}>"
    message["X-Job-Id"] = job.job_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    return message


def is_too_large(message: EmailMessage) -> bool:
    """Tell whether carriers or mailboxes may turn a message down for its size."""
    return len(message.as_bytes()) > _MOST_BYTES


def parse_sender(name: str, address: str) -> Address:
    """Return the sender's address.

    Raises:
        ValueError: If it is no address.
    """
    if not address.isprintable():
        raise ValueError(f"{address!r} has control characters")
    try:
        parsed = Address(display_name=name, addr_spec=address)
    except (HeaderParseError, IndexError) as error:
        raise ValueError(f"{address!r} is no e-mail address") from error
    if not parsed.username or not parsed.domain:
        raise ValueError(f"{address!r} is no e-mail address")
    return parsed


def _address(email: str) -> Address:
    """Return the recipient, the domain in ASCII."""
    local, _, domain = email.rpartition("@")
    try:
        return parse_sender("", f"{local}@{domain.encode('idna').decode('ascii')}")
    except ValueError as error:  # UnicodeError, of the domain, is one
        raise UserFault(
            "mail_address_invalid",
            f"No mail can be sent to {email!r}: {error}.",
            fix="Fetch the report from the status page, and give another address with the next job.",
        ) from error
