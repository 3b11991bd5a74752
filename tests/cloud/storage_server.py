"""A Cloud Storage server for tests: gcp-storage-emulator, strict.

It judges signatures, conditions and ranges of size, takes signed resumable uploads, answers preflights and tells of
finished objects. The emulator does the rest. In a process of its own::

    python -m tests.cloud.storage_server --port 9199 --bucket data --key key.json --notify-topic projects/demo/topics/up
"""

import argparse
import signal
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.clock import Clock, utc_now
from tests.cloud.service_account import ServiceAccount
from tests.cloud.storage_handler import StrictHandler
from tests.cloud.storage_news import Notify, notification_of, to_topic
from tests.cloud.strict_storage import StrictStorage


@dataclass
class Faults:
    """What goes wrong next; each is used up.

    ``cut_after`` are numbers of bytes after which the body of an upload breaks off, ``statuses`` what requests are
    answered with instead of being served, ``lost_answers`` the number of writes that are served and never answered.
    """

    cut_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    lost_answers: int = 0


class StorageServer:
    """Serves one bucket from memory until it is stopped; a context manager.

    Args:
        bucket: Its name.
        keys: Public keys of the accounts whose signatures count, by e-mail.
        clock: Against which signatures end.
        notify: Told of every finished object, in the shape of Cloud Storage's notifications.
        port: Where it listens; a free one where it is 0.
    """

    def __init__(
        self,
        bucket: str,
        *,
        keys: Mapping[str, RSAPublicKey],
        clock: Clock = utc_now,
        notify: Notify | None = None,
        port: int = 0,
    ) -> None:
        self.bucket = bucket
        self.keys = keys
        self.clock = clock
        self.faults = Faults()
        self.log: list[tuple[str, str, int]] = []
        self.lock = threading.Lock()
        self.notify = notify
        self.storage = StrictStorage(bucket=bucket, listener=self._tell)
        self.connections: set[socket.socket] = set()
        handler = type("Handler", (StrictHandler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), lambda *told: handler(self.storage, *told))
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its address, as ``STORAGE_EMULATOR_HOST`` takes it."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def _tell(self, resource: Mapping[str, Any]) -> None:
        if self.notify is not None:
            self.notify(*notification_of(resource))

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, connections that are kept alive included; a second time does nothing."""
        if not self._thread.is_alive():
            return
        self._http.shutdown()
        self._http.server_close()
        for each in list(self.connections):
            with suppress(OSError):  # the other side has ended it
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal comes; say the address once it answers."""
    parser = argparse.ArgumentParser(description="A Cloud Storage server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--key", type=Path, required=True, help="Key file of the account whose signatures count.")
    parser.add_argument("--notify-topic", help="Full name of a topic; PUBSUB_EMULATOR_HOST says where.")
    given = parser.parse_args(arguments)
    account = ServiceAccount.read(given.key)
    notify = to_topic(given.notify_topic) if given.notify_topic else None
    with StorageServer(
        given.bucket, keys={account.email: account.key.public_key()}, notify=notify, port=given.port
    ) as server:
        print(server.url, flush=True)  # noqa: T201  # whoever started this process waits for it
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
