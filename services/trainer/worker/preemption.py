"""The notice, thirty seconds ahead, that a spot machine of Google's is taken away."""

import logging
import threading
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException

logger = logging.getLogger(__name__)

PATH = "/computeMetadata/v1/instance/preempted"
_FLAVOUR = ("Metadata-Flavor", "Google")
_NEVER_SEEN = "NONE"
"""An ETag that is never the present one, so that the first answer comes at once."""
_MAX_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the metadata server is waited for, in seconds.

    Args:
        hold_s: The server answers after this long even where nothing changed.
        answer_s: An answer that takes longer is given up; of the notice, more than half is left then.
        pause_s: Rest after the first failure; doubles with each.
        longest_pause_s: See ``pause_s``.
    """

    hold_s: int = 10
    answer_s: float = 13.0
    pause_s: float = 1.0
    longest_pause_s: float = 8.0


def watch_for_preemption(
    address: str, shutdown: threading.Event, *, patience: Patience | None = None
) -> threading.Thread:
    """Ask the metadata server, in a thread, until it says that this machine is taken away; then set ``shutdown``.

    Whatever goes wrong with the server is tried again for as long as the worker works: a machine that goes without
    notice costs no more than a crash.

    Args:
        address: Of the server, such as ``http://metadata.google.internal``.
        shutdown: Also ends the watch when something else sets it.
        patience: See there.

    Source: https://cloud.google.com/compute/docs/metadata/querying-metadata#waitforchange
    """
    watch = _Watch(address=address, patience=patience or Patience(), shutdown=shutdown)
    thread = threading.Thread(target=watch.hold, name="preemption", daemon=True)
    thread.start()
    return thread


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One watch; remembers what the server said last, so that no change is missed between two questions."""

    address: str
    patience: Patience
    shutdown: threading.Event
    _etag: str = _NEVER_SEEN

    def hold(self) -> None:
        """Ask until the answer is yes or the worker shuts down."""
        failures = 0
        # The environment's proxies do not know this machine's own metadata server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not self.shutdown.is_set():
            try:
                is_preempted = self._ask(opener)
            except (OSError, HTTPException, ValueError) as error:
                if failures == 0:
                    logger.warning("no answer about pre-emption; asked again", extra={"reason": str(error)})
                pause_s = self.patience.pause_s * 2 ** min(failures, 10)
                failures += 1
                self.shutdown.wait(min(pause_s, self.patience.longest_pause_s))
                continue
            failures = 0
            if is_preempted:
                logger.warning("this machine is taken away; its job goes to another")
                self.shutdown.set()

    def _ask(self, opener: urllib.request.OpenerDirector) -> bool:
        """Return whether the machine is taken away, as soon as that changes.

        Raises:
            OSError: If the server did not answer.
            HTTPException: If it broke off.
            ValueError: If it was not the metadata server that answered, or not as it does.
        """
        query = {"wait_for_change": "true", "timeout_sec": self.patience.hold_s, "last_etag": self._etag}
        url = f"{self.address}{PATH}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers=dict([_FLAVOUR]))  # noqa: S310 - the operator's own address
        with opener.open(request, timeout=self.patience.answer_s) as response:
            answer: str = response.read(_MAX_BYTES).decode("ascii").strip()
            flavour, etag = response.headers.get(_FLAVOUR[0]), response.headers.get("ETag")
        if flavour != _FLAVOUR[1]:
            raise ValueError(f"{self.address} is no metadata server of Google's: it does not say {': '.join(_FLAVOUR)}")
        if answer not in ("TRUE", "FALSE"):
            raise ValueError(f"the metadata server answered {answer!r}, expected TRUE or FALSE")
        self._etag = etag or _NEVER_SEEN
        return answer == "TRUE"
