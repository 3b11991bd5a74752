"""An object store that is asked again for a while before it is given up, and with it the work of an attempt."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.errors import Transient
from shared.ports.object_store import ObjectStore, SignedRequest, StoredObject

logger = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""An outage of seconds passes unnoticed; one of minutes hands the job back, and the next attempt carries on from the
ledger."""
_LONGEST_PAUSE_S = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientStore:
    """A :class:`shared.ports.object_store.ObjectStore` that insists.

    Args:
        store: The one that is asked.
        patience_s: Seconds until ``Transient`` passes through after all.
        sleep: Waits between two tries.
    """

    store: ObjectStore
    patience_s: float = PATIENCE_S
    sleep: Callable[[float], None] = time.sleep

    def put(self, key: str, source: BinaryIO, *, content_type: str, if_absent: bool = False) -> StoredObject:
        """See the port; every try reads the source from where it stood."""
        start = source.tell()

        def put() -> StoredObject:
            source.seek(start)
            return self.store.put(key, source, content_type=content_type, if_absent=if_absent)

        return self._insist(put)

    def stat(self, key: str) -> StoredObject:
        """See the port."""
        return self._insist(lambda: self.store.stat(key))

    def read(self, key: str, start: int = 0, end: int | None = None, *, generation: str | None = None) -> bytes:
        """See the port."""
        return self._insist(lambda: self.store.read(key, start, end, generation=generation))

    def copy(self, source: str, target: str, *, generation: str | None = None) -> StoredObject:
        """See the port."""
        return self._insist(lambda: self.store.copy(source, target, generation=generation))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port; all of it is fetched before the first is handed out."""
        return iter(self._insist(lambda: [*self.store.list(prefix)]))

    def delete(self, key: str) -> None:
        """See the port."""
        self._insist(lambda: self.store.delete(key))

    def sign_upload(
        self, key: str, *, content_type: str, max_bytes: int, valid_for: timedelta, size_bytes: int | None = None
    ) -> SignedRequest:
        """See the port."""
        return self.store.sign_upload(
            key, content_type=content_type, max_bytes=max_bytes, valid_for=valid_for, size_bytes=size_bytes
        )

    def sign_download(self, key: str, *, filename: str, valid_for: timedelta) -> SignedRequest:
        """See the port."""
        return self.store.sign_download(key, filename=filename, valid_for=valid_for)

    def _insist(self, call: Callable[[], T]) -> T:
        tries = Retrying(
            retry=retry_if_exception_type(Transient),
            stop=stop_after_delay(self.patience_s),
            wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_PAUSE_S),
            sleep=self.sleep,
            before_sleep=_tell,
            reraise=True,
        )
        return tries(call)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    logger.warning("the object store does not answer; trying again", extra={"reason": str(error)})
