"""A message as the JSON document of SendGrid's ``POST /v3/mail/send``. Pure.

Source: the reference at docs.sendgrid.com, "Mail Send".
"""

import base64
import unicodedata
from email.message import EmailMessage
from typing import Any

from shared.errors import UserFault

_TEXTS = ("text/plain", "text/html")
_SET_BY_SENDGRID = frozenset(
    {"bcc", "cc", "content-transfer-encoding", "content-type", "from", "mime-version", "reply-to", "subject", "to"}
)
_UNTRACKED = {
    # Rewritten links would lead signed addresses through a third party, and outlive them.
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
}


def to_document(message: EmailMessage) -> dict[str, Any]:
    """Return the document of a message: its texts in their order, every other part as a file, its own headers kept.

    Raises:
        UserFault: ``mail_refused``, if an address, the subject or a header would break the line it stands in, which
            neither SendGrid's library nor its API looks at.
    """
    document: dict[str, Any] = {
        "from": _address(message, "From"),
        "personalizations": [{"to": [_address(message, "To")]}],
        "subject": _line("Subject", str(message["Subject"])),
        "content": [],
        "headers": _headers(message),
        "tracking_settings": _UNTRACKED,
    }
    files = []
    for part in message.walk():
        if part.is_multipart():
            continue
        assert isinstance(part, EmailMessage)  # noqa: S101 - so are all parts of one
        if part.get_content_type() in _TEXTS and not part.is_attachment() and part.get_filename() is None:
            document["content"].append({"type": part.get_content_type(), "value": part.get_content()})
        else:
            files.append(_file(part))
    return document | ({"attachments": files} if files else {})


def _file(part: EmailMessage) -> dict[str, str]:
    """Return a part as a file, shown inside the text where it has a Content-ID."""
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)  # noqa: S101 - a part that is not made of parts has bytes
    content_id = str(part["Content-ID"] or "").strip("<> ")
    file = {
        "content": base64.b64encode(data).decode("ascii"),
        "type": part.get_content_type(),
        "filename": _line("file name", part.get_filename() or "file"),
        "disposition": part.get_content_disposition() or ("inline" if content_id else "attachment"),
    }
    return file | ({"content_id": _line("Content-ID", content_id)} if content_id else {})


def _address(message: EmailMessage, name: str) -> dict[str, str]:
    """Return the one address of a header, with its name if it has one."""
    try:
        address = message[name].addresses[0]
    except (ValueError, IndexError, AttributeError) as error:  # line breaks, none, or no header of that name
        raise _refusal(name, str(error)) from error
    told = {"email": _line(name, address.addr_spec)}
    return told | ({"name": _line(name, address.display_name)} if address.display_name else {})


def _headers(message: EmailMessage) -> dict[str, str]:
    return {name: _line(name, str(value)) for name, value in message.items() if name.lower() not in _SET_BY_SENDGRID}


def _line(name: str, value: str) -> str:
    """Return the value if it is one line.

    Raises:
        UserFault: ``mail_refused``.
    """
    if any(unicodedata.category(char) == "Cc" for char in value):
        raise _refusal(name, f"control characters in {value!r}")
    return value


def _refusal(name: str, reason: str) -> UserFault:
    return UserFault(
        "mail_refused",
        f"The {name} of the mail cannot be sent: {reason}.",
        fix="Fetch the report from the status page, and give another address with the next job.",
    )
