"""The error tree of convtailor.

::

    ConvtailorError
    ├── UserFault       the person can mend it: stable code, message, fix, details
    ├── Conflict        somebody else changed the thing first; read again
    ├── NotFound        no such thing
    ├── Transient       try again later; nothing was lost
    │   └── StoreFull   and not before somebody has made room
    ├── MalformedEvent  a message that no retry will make readable
    └── Unreadable      stored data that this version cannot read; another version may

Adapters translate the exceptions of their product into these; entry points own two tables, error → HTTP status and
error → ack, retry or dead-letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.text.bound import bounded_details, bounded_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong and how to mend it, in the one shape that API, mail, log and documentation share.

    Names in it come from whoever made the archive, and it goes to stores, terminals and mails: so whatever is put into
    it, every character is seen, no text is longer than a screenful, and of many places it names the first, with a last
    entry such as ``… and 99,970 more`` (see :mod:`shared.text.bound`).

    Args:
        code: Stable identifier in snake case, such as ``archive_encrypted``; programs may rely on it.
        message: One sentence for a person: what was received and what was expected.
        fix: One sentence for a person: what to do now.
        details: JSON values that point at the places, such as ``{"files": ["cats/1.jpg"]}``.
    """

    code: str
    message: str
    fix: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bound what is told."""
        object.__setattr__(self, "message", bounded_message(self.message))
        object.__setattr__(self, "fix", bounded_message(self.fix))
        object.__setattr__(self, "details", bounded_details(self.details))


class ConvtailorError(Exception):
    """Root of every error that convtailor raises on purpose."""


class UserFault(ConvtailorError):
    """Something the person who asked can mend; carries a :class:`Fault`."""

    def __init__(self, code: str, message: str, *, fix: str, details: Mapping[str, Any] | None = None) -> None:
        self.fault = Fault(code=code, message=message, fix=fix, details=details or {})
        super().__init__(self.fault.message)

    @classmethod
    def of(cls, fault: Fault) -> "UserFault":
        """Wrap a stored fault so that it can be raised again."""
        return cls(fault.code, fault.message, fix=fault.fix, details=fault.details)


def faults_together(faults: Sequence[Fault], *, code: str | None = None) -> UserFault:
    """Return one error for all that was found wrong at once; ``details.faults`` holds each fault whole.

    Args:
        faults: One or more; one stays what it is.
        code: Of several together; the first one's unless given.
    """
    listed = [{**asdict(fault), "details": dict(fault.details)} for fault in faults]
    if len(faults) == 1:
        [only] = faults
        return UserFault(only.code, only.message, fix=only.fix, details={**only.details, "faults": listed})
    return UserFault(
        code or faults[0].code,
        " ".join(fault.message for fault in faults),
        fix=" ".join(dict.fromkeys(fault.fix for fault in faults)),
        details={**({} if code else faults[0].details), "faults": listed},
    )


class Conflict(ConvtailorError):
    """A conditional write lost: the thing exists already, or has another revision than the one that was read."""


class NotFound(ConvtailorError):
    """There is no such job, object or message."""


class Transient(ConvtailorError):
    """A service did not answer in time or refused for now; the same call may succeed later."""


class StoreFull(Transient):
    """What should be kept has no room where it is kept; the same call may succeed once somebody has made some."""


class MalformedEvent(ConvtailorError):
    """A message that cannot be read as an event of a known type and version."""


class Unreadable(ConvtailorError):
    """Something stored that is damaged, or of a version that this code does not know."""


TRY_AGAIN = Fault(code="try_again", message="The service cannot do this just now.", fix="Try again in a few seconds.")
"""What is told of a :class:`Transient`; its own words may name machines."""
STORE_FULL = Fault(
    code="store_full",
    message="The server has no room for this just now.",
    fix="Try again later; if it stays so, tell whoever runs this service.",
)
"""The same of a :class:`StoreFull`."""
