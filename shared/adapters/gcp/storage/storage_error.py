"""What Cloud Storage's HTTP client raises beside the errors of all of Google's clients → errors of convtailor."""

import contextlib
from collections.abc import Iterator
from http.client import HTTPException

from google.api_core.exceptions import NotFound as ThingMissing
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from urllib3.exceptions import HTTPError

from shared.adapters.gcp import vendor_error
from shared.errors import Transient

_TRANSPORT = (DataCorruption, InvalidResponse, HTTPError, HTTPException)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn faults of Cloud Storage into convtailor errors; see :mod:`shared.adapters.gcp.vendor_error`.

    Args:
        what: What the block does, as a sentence without its end.
    """
    try:
        with vendor_error.translated(what):
            yield
    except _TRANSPORT as error:
        raise Transient(f"{what}: {error}") from error


@contextlib.contextmanager
def bucket_required() -> Iterator[None]:
    """Tell a missing bucket from a missing object, where only the bucket can be missing."""
    try:
        yield
    except ThingMissing as error:
        raise Transient(f"there is no such bucket, or this account may not see it: {error}") from error
