"""Google's V4 signatures, judged as Cloud Storage judges them; written from the published rules, not from a client.

Source: https://cloud.google.com/storage/docs/authentication/canonical-requests
and https://cloud.google.com/storage/docs/authentication/signatures
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

ALGORITHM = "GOOG4-RSA-SHA256"
MAX_EXPIRES_S = 604_800
_SKEW = timedelta(minutes=15)
_SIGNATURE = "x-goog-signature"


class SignatureRefused(Exception):
    """The request is not one that somebody with the key has allowed; ``code`` is Cloud Storage's own word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class SignedCall:
    """A request as it came in.

    ``path`` and ``query`` are still percent-encoded; the names of headers are in any case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


def judge(call: SignedCall, *, keys: Mapping[str, RSAPublicKey], now: datetime) -> None:
    """Raise SignatureRefused unless one of the keys, by e-mail of its account, has signed the request."""
    fields = parse_qsl(call.query, keep_blank_values=True, strict_parsing=True)
    values = {name.lower(): value for name, value in fields}
    if values.get("x-goog-algorithm") != ALGORITHM:
        raise SignatureRefused("InvalidArgument", f"received the algorithm {values.get('x-goog-algorithm')}")
    email, scope = _credential(values)
    signed_at = _time(values)
    _check_time(signed_at, values, now)
    headers = _signed_headers(call, values)
    request = canonical_request(call, headers, fields)
    text = "\n".join(
        [ALGORITHM, values["x-goog-date"], scope, hashlib.sha256(request.encode("utf-8")).hexdigest()],
    )
    if email not in keys:
        raise SignatureRefused("SignatureDoesNotMatch", f"{email} is no account that is known here")
    try:
        keys[email].verify(bytes.fromhex(values[_SIGNATURE]), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError) as error:
        raise SignatureRefused("SignatureDoesNotMatch", f"the canonical request is {request!r}") from error


def canonical_request(call: SignedCall, headers: Mapping[str, str], fields: list[tuple[str, str]]) -> str:
    """Return what is signed: method, path, sorted query, sorted headers, their names, and the payload's hash."""
    query = sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in fields if name.lower() != _SIGNATURE)
    names = sorted(headers)
    return "\n".join(
        [
            call.method,
            call.path,
            "&".join(query),
            *(f"{name}:{headers[name]}" for name in names),
            "",
            ";".join(names),
            headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD"),
        ]
    )


def _credential(values: Mapping[str, str]) -> tuple[str, str]:
    email, _, scope = values.get("x-goog-credential", "").partition("/")
    date = values.get("x-goog-date", "")[:8]
    if not re.fullmatch(rf"{date}/[a-z0-9-]+/storage/goog4_request", scope):
        raise SignatureRefused("InvalidArgument", f"received the scope {scope!r} on {date!r}")
    return email, scope


def _time(values: Mapping[str, str]) -> datetime:
    try:
        return datetime.strptime(values["x-goog-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except (KeyError, ValueError) as error:
        raise SignatureRefused("InvalidArgument", "there is no X-Goog-Date") from error


def _check_time(signed_at: datetime, values: Mapping[str, str], now: datetime) -> None:
    expires = values.get("x-goog-expires", "")
    if not expires.isdecimal() or not 1 <= int(expires) <= MAX_EXPIRES_S:
        raise SignatureRefused("InvalidArgument", f"received X-Goog-Expires={expires!r}, expected 1 to {MAX_EXPIRES_S}")
    if now >= signed_at + timedelta(seconds=int(expires)):
        raise SignatureRefused("ExpiredToken", f"signed at {signed_at} for {expires} s, and now it is {now}")
    if now < signed_at - _SKEW:
        raise SignatureRefused("AccessDenied", f"signed at {signed_at}, and now it is {now}")


def _signed_headers(call: SignedCall, values: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that were signed, trimmed; each has to have come, and no other of Google's own."""
    sent = {name.lower(): re.sub(r"\s+", " ", value.strip()) for name, value in call.headers.items()}
    names = values.get("x-goog-signedheaders", "").split(";")
    if "host" not in names or names != sorted(set(names)) or any(name != name.lower() for name in names):
        raise SignatureRefused("InvalidArgument", f"received X-Goog-SignedHeaders={names}")
    missing = sorted(set(names) - sent.keys())
    if missing:
        raise SignatureRefused("MalformedSecurityHeader", f"{missing} were signed and did not come")
    unsigned = sorted(name for name in sent if name.startswith("x-goog-") and name not in names)
    if unsigned:
        raise SignatureRefused("MalformedSecurityHeader", f"{unsigned} came and were not signed")
    return {name: sent[name] for name in names}


def _encoded(text: str) -> str:
    return quote(text, safe="~")
