"""What Google's gRPC clients raise → errors of convtailor, and how long a call may take.

==================================================  =========================================================
not found                                           ``NotFound``
exists already, or another version than expected    ``Conflict``
no answer, refused for now, no permission, no key   ``Transient``: it passes, or the operator mends it, and
                                                    nothing was lost meanwhile
invalid argument and the like                       ``ConvtailorError``: a bug of ours that no retry mends
==================================================  =========================================================
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError

from shared.errors import Conflict, ConvtailorError, NotFound, Transient

_TRANSIENT = (
    exceptions.ServerError,
    exceptions.TooManyRequests,
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.RetryError,
    exceptions.Unauthorized,
    exceptions.Forbidden,
    exceptions.FailedPrecondition,  # a missing index, a detached subscription: the operator's to mend
    GoogleAuthError,
    OSError,
)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn faults of Google's clients into convtailor errors.

    Args:
        what: What the block does, as a sentence without its end, such as ``Firestore reads job 1``.
    """
    try:
        yield
    except exceptions.NotFound as error:
        raise NotFound(f"{what}: there is no such thing: {error}") from error
    except (exceptions.AlreadyExists, exceptions.PreconditionFailed) as error:
        raise Conflict(f"{what}: {error}") from error
    except _TRANSIENT as error:
        raise Transient(f"{what}: {error}") from error
    except exceptions.GoogleAPIError as error:
        raise ConvtailorError(f"{what}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimit:
    """How long one call may take; Google's own limits are 60 to 600 seconds.

    Args:
        seconds: Tries go on for this long while the service is unavailable; a try without any answer gets half of it.
    """

    seconds: float = 20.0

    def options(self) -> dict[str, Any]:
        """Return the arguments ``retry`` and ``timeout`` of a call."""
        unavailable = if_exception_type(exceptions.ServiceUnavailable)
        retry = Retry(predicate=unavailable, initial=0.1, maximum=2.0, multiplier=1.6, timeout=self.seconds)
        return {"retry": retry, "timeout": self.seconds / 2}
