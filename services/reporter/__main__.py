"""``python -m services.reporter``: mail reports, until SIGTERM or Ctrl-C."""

import os
import signal
import sys
import threading
from collections.abc import Mapping

from services.reporter.bootstrap import build_reporter
from services.reporter.settings import ReporterSettings
from shared.errors import Transient
from shared.logs import start_logging
from shared.settings import InvalidSettings, load

EXIT_USAGE = 2
EXIT_UNREACHABLE = 3


def main(environ: Mapping[str, str]) -> int:
    """Run a reporter.

    Args:
        environ: The environment.

    Returns:
        0 after a stop in good order, 2 if the environment has faults, 3 if a back-end cannot be reached.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load(ReporterSettings, environ)
        start_logging(settings.log_level, "reporter")
        reporter = build_reporter(settings)
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    except Transient as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_UNREACHABLE
    reporter.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
