"""Gunicorn, run from Python, for a reporter that is pushed to; one that pulls does without."""

import logging
import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger

from shared.settings import InvalidSettings

REFUSED_SETTINGS = int(Arbiter.APP_LOAD_ERROR)
"""Exit code of :func:`serve` when the app cannot be made with these settings; trying again cannot help."""


def serve(listener: socket.socket, build: Callable[[], Flask], *, num_threads: int, stop_grace_s: int) -> None:
    """Serve until told to stop by SIGTERM or SIGINT; does not return but exits.

    Args:
        listener: Bound and listening; taken over.
        build: Makes the app inside the worker process, so that no connection or thread crosses the fork.
        num_threads: Requests at the same time.
        stop_grace_s: Seconds that running requests have once the server is told to stop.
    """
    options = {
        "bind": f"fd://{listener.detach()}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": num_threads,
        "timeout": 0,  # Cloud Run freezes the worker's heartbeat between requests
        "graceful_timeout": stop_grace_s,
        "accesslog": None,
        "logger_class": _JsonLogger,
        "control_socket_disable": True,
    }
    _Server(build, options).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Tells gunicorn its settings and its app."""

    def __init__(self, build: Callable[[], Flask], options: dict[str, object]) -> None:
        self._build, self._options = build, options
        super().__init__()

    def load_config(self) -> None:
        """Hand over the settings that this version of gunicorn knows."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the app; called in the worker process."""
        try:
            return self._build()
        except InvalidSettings as error:
            raise AppImportError(str(error)) from error


class _JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Sends gunicorn's own lines through the service's logging."""

    def setup(self, cfg: Any) -> None:
        """Use the root logger's handlers instead of gunicorn's."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True
        self.error_log.setLevel(max(logging.INFO, logging.getLogger().level))  # its debug lines dump all settings
