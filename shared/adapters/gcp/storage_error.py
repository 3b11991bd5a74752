"""What Cloud Storage and its transport raise → errors of convtailor."""

import contextlib
from collections.abc import Iterator
from http.client import HTTPException

from google.api_core.exceptions import GoogleAPICallError, PreconditionFailed, RetryError
from google.api_core.exceptions import NotFound as ObjectMissing
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests import RequestException
from urllib3.exceptions import HTTPError

from shared.errors import Conflict, NotFound, Transient

_OTHERS = (
    GoogleAPICallError,
    RetryError,
    GoogleAuthError,
    InvalidResponse,
    DataCorruption,
    RequestException,
    HTTPError,
    HTTPException,
    OSError,
)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn faults of Cloud Storage into convtailor errors.

    Args:
        what: The thing that was asked for, as it stands in a sentence.
    """
    try:
        yield
    except ObjectMissing as error:
        if "bucket does not exist" in str(error):
            raise Transient(f"there is no such bucket for {what}: set CONVTAILOR_GCP_BUCKET to one") from error
        raise NotFound(f"there is no {what}") from error
    except PreconditionFailed as error:
        raise Conflict(f"there is an {what} already") from error
    except _OTHERS as error:
        raise Transient(f"Cloud Storage could not serve {what}: {error}") from error
