"""``python -m services.trainer``: a worker, until SIGTERM or Ctrl-C."""

import os
import signal
import sys

from services.trainer.bootstrap import build_worker
from services.trainer.settings import TrainerSettings
from shared.logs import start_logging
from shared.settings import InvalidSettings, load


def main() -> int:
    """Run a worker configured by the environment; return the exit code."""
    try:
        settings = load(TrainerSettings, os.environ)
        start_logging(settings.log_level, "trainer")
        worker = build_worker(settings)
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.shutdown.set())
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
