"""What a person asks for: an e-mail address and options, checked together so that every fault is told at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from shared.archive.zip_format.diagnosis import empty_archive
from shared.errors import Fault, faults_together
from shared.job.options import JobOptions, parse_options

MAX_EMAIL_CHARACTERS = 254
"""Longest address that mail can be sent to. Source: RFC 5321, 4.5.3.1.3, less the angle brackets."""

_PLAIN = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+([a-z]{2,})")
_MAX_PLAIN_CHARACTERS = 64
"""Within which no part of an address can be too long."""
_SPECIAL_ENDS = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)
_ENCODED_WORD = re.compile(r"=\?.*\?=")
"""Source: RFC 2047, 2; its section 5 forbids them within an address, and mail programs make something else of it."""
MAX_SIZE_DIGITS = 18
"""Most digits of the size of an archive: what any store counts in."""

_EMAIL = "email"
_SIZE = "size_bytes"
_OPTIONS = "options"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A request that makes sense.

    Args:
        email: Where the report goes, in ASCII.
        options: The choices, defaults filled in.
        size_bytes: Size of the archive, if it was told.
    """

    email: str
    options: JobOptions
    size_bytes: int | None = None


def parse_request(
    sources: Sequence[Mapping[str, Any]], *, is_priced: bool = True, language: str | None = None
) -> JobRequest:
    """Read a request from its sources, such as query and body.

    Options stand beside the e-mail or inside an object named ``options``.

    Args:
        sources: Fields by name.
        is_priced: Whether it is known what an hour of training costs.
        language: Of the report, where none is named; ``None``: English.

    Raises:
        UserFault: With the code of the one fault, or ``invalid_request`` for several; ``details.faults`` has them all.
    """
    fields, faults = _merge(sources)
    email, email_faults = _read_email(fields.pop(_EMAIL, None))
    size_bytes, size_faults = _read_size(fields.pop(_SIZE, None))
    if language is not None:
        fields.setdefault("language", language)
    options, option_faults = parse_options(fields, is_priced=is_priced)
    faults = [*faults, *email_faults, *size_faults, *option_faults]
    if faults or email is None or options is None:
        raise faults_together(faults, code="invalid_request")
    return JobRequest(email=email, options=options, size_bytes=size_bytes)


def _merge(sources: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[Fault]]:
    """Lay all sources into one set of fields; a field that comes with two values is a fault."""
    fields: dict[str, Any] = {}
    faults = []
    for name, value in _entries(sources):
        if name == _OPTIONS:
            faults.append(_fault("invalid_option", "options", "'options' must be a JSON object.", "Send an object."))
        elif name in fields and fields[name] != value:
            faults.append(_repeated(name))
        fields.setdefault(name, value)
    fields.pop(_OPTIONS, None)
    return fields, faults


def _entries(sources: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    entries: list[tuple[str, Any]] = []
    for source in sources:
        for name, value in source.items():
            if name == _OPTIONS and isinstance(value, Mapping):
                entries.extend(value.items())
            else:
                entries.append((name, value))
    return entries


def _read_email(value: object) -> tuple[str | None, list[Fault]]:
    if value is None or value == "":
        fix = "Send the field 'email' in the body or as a query parameter."
        return None, [_fault("email_missing", _EMAIL, "There is no e-mail address to send the report to.", fix)]
    if isinstance(value, list) and len(value) > 1:
        return None, [_repeated(_EMAIL)]
    if not isinstance(value, str):
        return None, [_invalid_email("it is no text")]
    address = value.strip(" ")
    return (address, []) if is_plain(address) else _validated(address)


def _validated(address: str) -> tuple[str | None, list[Fault]]:
    objection = _objection_to(address)
    if objection is not None:
        return None, [_invalid_email(objection)]
    try:
        # Mail servers that take a local part outside ASCII (RFC 6531) are still rare; domains travel as punycode.
        valid = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        return None, [_invalid_email(str(error).rstrip("."))]
    return valid.ascii_email, []


def is_plain(address: str) -> bool:
    """Tell whether an address is of the kind that nearly all are of, which the validator would return as it is.

    It takes its time over each character of every other.
    """
    found = _PLAIN.fullmatch(address) if len(address) <= _MAX_PLAIN_CHARACTERS else None
    return found is not None and found[1] not in _SPECIAL_ENDS


def _objection_to(address: str) -> str | None:
    """Return what speaks against an address beside its form."""
    if len(address) > MAX_EMAIL_CHARACTERS:
        return f"it has more than {MAX_EMAIL_CHARACTERS} characters"
    if not address.isprintable():
        return "it holds line breaks or control characters"
    if _ENCODED_WORD.search(address):
        return "it holds an encoded word, which is for names beside an address"
    return None


def _read_size(value: object) -> tuple[int | None, list[Fault]]:
    """Read the size of the archive; forms and queries send it as text."""
    if value is None or value == "":
        return None, []
    text = str(value)
    if isinstance(value, int | str) and re.fullmatch(rf"[1-9][0-9]{{0,{MAX_SIZE_DIGITS - 1}}}", text):
        return int(text), []
    if text == "0":
        return None, [empty_archive()]
    message = f"The option {_SIZE!r} is {text[:40]!r}, expected the archive's size: a whole number from 1."
    return None, [_fault("invalid_option", _SIZE, message, "Send the size of the zip in bytes, or leave it out.")]


def _repeated(name: str) -> Fault:
    return _fault("field_repeated", name, f"The field {name!r} comes with two values.", "Send it once.")


def _invalid_email(reason: str) -> Fault:
    message = f"This is no e-mail address that a report can be sent to: {reason}."
    return _fault("invalid_email", _EMAIL, message, "Send one plain address such as ada@example.org.")


def _fault(code: str, field: str, message: str, fix: str) -> Fault:
    return Fault(code=code, message=message, fix=fix, details={"field": field})
