"""How much may be used within a time, and what is said where that is more. Pure.

Windows are fixed: a day begins at midnight UTC, for everybody. That lets twice as much through around its end at worst,
and needs one number in the store for each who uses something, instead of a list of moments.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.errors import UserFault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NETWORK_BITS = {4: 24, 6: 56}
"""One customer of a provider is commonly given so much, or may easily change within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit.

    Args:
        what: What is counted, in words: ``jobs``, ``bytes``.
        most: How much within the window; 0: there is no limit.
        window: How long it is.
    """

    what: str
    most: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window of one who uses something, as a store counts it.

    Args:
        key: Tells it from all others; of fixed length, holds nothing of the person.
        ends_at: When it ends.
    """

    key: str
    ends_at: datetime


def window_of(limit: Limit, subject: str, now: datetime) -> Window:
    """Return the window that a moment lies in.

    Args:
        limit: What is counted.
        subject: By whom: see :func:`of_key`, :func:`of_address` and :func:`of_network`.
        now: The moment.
    """
    number = (now - _EPOCH) // limit.window
    text = f"{limit.what}\n{limit.window.total_seconds():g}\n{number}\n{subject}"
    key = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return Window(key=key, ends_at=_EPOCH + (number + 1) * limit.window)


def of_key(key_id: str) -> str:
    """Return the subject that an API key is."""
    return f"key {key_id}"


def of_address(email: str) -> str:
    """Return the subject that a mail address is; upper and lower case make no two."""
    return f"address {email.casefold()}"


def of_network(address: str) -> str:
    """Return the subject that a caller's network is; callers of which nothing is known are one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "network unknown"
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return f"network {ipaddress.ip_network((mapped, _NETWORK_BITS[mapped.version]), strict=False)}"


def limit_reached(limit: Limit, window: Window, now: datetime) -> UserFault:
    """Return what is said to who wants more than the limit."""
    wait_s = max(1, round((window.ends_at - now).total_seconds()))
    return UserFault(
        "limit_reached",
        f"More than {limit.most:,} {limit.what} within {_span(limit.window)} are not taken.",
        fix=f"Try again after {window.ends_at:%Y-%m-%d %H:%M} UTC, or ask the operator for a key that allows more.",
        details={"limit": limit.most, "what": limit.what, "retry_after_s": wait_s},
    )


def _span(window: timedelta) -> str:
    hours = window / timedelta(hours=1)
    return {1.0: "an hour", 24.0: "a day"}.get(hours, f"{hours:g} hours")
