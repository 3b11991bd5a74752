"""``python -m services.reporter``: mail reports, until SIGTERM or Ctrl-C.

Events are pulled, or with the back-end ``gcp`` taken from the requests that Pub/Sub pushes.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.reporter.bootstrap import build_reporter
from services.reporter.settings import ReporterSettings
from shared.errors import Transient
from shared.logs import start_logging
from shared.process.privacy import keep_files_private
from shared.settings import InvalidSettings, load

if TYPE_CHECKING:
    from shared.web.server import Served

EXIT_USAGE = 2
EXIT_UNREACHABLE = 3


def main(environ: Mapping[str, str]) -> int:
    """Run a reporter.

    Args:
        environ: The environment.

    Returns:
        0 after a stop in good order, 2 if the environment has faults, 3 if a back-end cannot be reached.
    """
    keep_files_private()
    try:
        settings = load(ReporterSettings, environ)
        start_logging(settings.log_level, "reporter")
        return _serve(settings) if settings.is_pushed_to else _pull(settings)
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    except Transient as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_UNREACHABLE


def _pull(settings: ReporterSettings) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    build_reporter(settings).run(stop)
    return 0


def _serve(settings: ReporterSettings) -> int:
    """Take pushes until told to stop."""
    from shared.web.server import ServerRules, listen, serve  # noqa: PLC0415 - who pulls needs no server

    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise Transient(
            f"cannot listen at {place}: {error.strerror or error}; set CONVTAILOR_HOST and _PORT"
        ) from error
    rules = ServerRules(num_threads=settings.request_threads, stop_grace_s=settings.stop_grace_s)
    return serve(listener, lambda: _served(settings), rules)


def _served(settings: ReporterSettings) -> "Served":
    """Put the app together, in the process that will answer."""
    from services.reporter.app import create_app  # noqa: PLC0415 - who pulls needs no server
    from shared.web.server import Served  # noqa: PLC0415 - likewise

    reporter = build_reporter(settings)
    assert reporter.gate is not None  # noqa: S101 - the settings say that events are pushed
    reporter.warm_up()
    return Served(app=create_app(reporter.handle, reporter.tools.store, reporter.gate))


if __name__ == "__main__":
    sys.exit(main(os.environ))
