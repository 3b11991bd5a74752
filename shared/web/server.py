"""Gunicorn, run from Python: one worker process with threads, on a socket that is bound before anything else."""

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.settings import InvalidSettings
from shared.web.connections.worker import Worker
from shared.web.limits import Limits
from shared.web.server_log import JsonLogger

_EXIT_USAGE = 2
_OBJECTS_BETWEEN_LOOKS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """How requests are served.

    Args:
        num_threads: Requests at the same time.
        stop_grace_s: Seconds that running requests have once the server is told to stop.
        limits: What peers can take of it.
    """

    num_threads: int
    stop_grace_s: int
    limits: Limits = field(default_factory=Limits)


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one worker process serves and does besides.

    Args:
        app: Answers requests.
        start: Called once the app is ready, before the first request.
        stop: Called when the process ends in good order.
    """

    app: Flask
    start: Callable[[], None] = _nothing
    stop: Callable[[], None] = _nothing


# A predecessor that was killed leaves a worker behind which lets go of the port about a second later.
@retry(retry=retry_if_exception_type(OSError), stop=stop_after_delay(5), wait=wait_fixed(0.25), reraise=True)
def listen(host: str, port: int) -> socket.socket:
    """Bind and listen.

    Args:
        host: Address or name.
        port: 0 picks a free one.

    Raises:
        OSError: If the address cannot be had within five seconds.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=256)


def serve(listener: socket.socket, build: Callable[[], Served], rules: ServerRules) -> int:
    """Serve until told to stop by SIGTERM or SIGINT.

    Args:
        listener: Bound and listening; taken over.
        build: Makes the app inside the worker process, so that no connection or thread crosses the fork.
        rules: How to serve.

    Returns:
        2, the exit code, if the app cannot be made with these settings, so that trying again cannot help; every other
        end is a ``SystemExit`` with its own code. The worker process that gunicorn forks off passes here too.
    """
    own_pid = os.getpid()
    os.environ.pop("SCRIPT_NAME", None)  # gunicorn would take it for where our routes begin, and break at every other
    try:
        _Server(listener, build, rules).run()
    except SystemExit as end:
        if os.getpid() == own_pid and end.code == Arbiter.APP_LOAD_ERROR:
            return _EXIT_USAGE
        raise
    return 0


def _spare_garbage_collector() -> None:
    """Have it leave alone what is there for good, and look less often: a request leaves hardly anything in a ring.

    As it comes, it looks twice in three requests, at a tenth of what these cost.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Tells gunicorn its settings and its app."""

    def __init__(self, listener: socket.socket, build: Callable[[], Served], rules: ServerRules) -> None:
        self._build = build
        self._served: Served | None = None
        self.rules = rules
        self._options = {
            "bind": f"fd://{listener.detach()}",
            "workers": 1,  # the background threads and the back-ends' file locks live once
            "worker_class": Worker,
            "threads": rules.num_threads,
            "timeout": 0,  # Cloud Run freezes the worker's heartbeat between requests
            "graceful_timeout": rules.stop_grace_s,
            "worker_connections": rules.limits.max_connections,
            "limit_request_fields": 64,
            "accesslog": None,
            "logger_class": JsonLogger,
            "post_worker_init": self._start,
            "worker_exit": self._stop,
            "control_socket_disable": True,
            "forwarder_headers": "",  # SCRIPT_NAME as a header: whoever sends it chooses where our routes begin
            "forwarded_allow_ips": "",
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand over the settings that this version of gunicorn knows."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the app; called in the worker process."""
        try:
            self._served = self._build()
        except InvalidSettings as error:
            raise AppImportError(str(error)) from error
        _spare_garbage_collector()
        return self._served.app

    def _start(self, _worker: object) -> None:
        if self._served:
            self._served.start()

    def _stop(self, _arbiter: object, _worker: object) -> None:
        if self._served:
            self._served.stop()
