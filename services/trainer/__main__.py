"""``python -m services.trainer``: a worker, until SIGTERM, Ctrl-C or the end of a spot machine."""

import logging
import os
import signal
import sys
from collections.abc import Sequence

from services.trainer.bootstrap import TRAINING_COMMAND, build_worker
from services.trainer.settings import TrainerSettings
from services.trainer.worker.preemption import watch_for_preemption
from services.trainer.worker.warm_process import Unfit
from shared.logs import start_logging
from shared.process.privacy import keep_files_private
from shared.settings import InvalidSettings, load

NO_GPU = 69
"""Exit code where a GPU is required and there is none; BSD's ``EX_UNAVAILABLE``."""
logger = logging.getLogger(__name__)


def main(training_command: Sequence[str] = TRAINING_COMMAND) -> int:
    """Run a worker configured by the environment.

    Args:
        training_command: What it starts for each job.

    Returns:
        0 when it was told to leave or idled for long enough, 2 where the settings have faults, 69 without the GPU that
        they require.
    """
    keep_files_private()
    try:
        settings = load(TrainerSettings, os.environ)
        start_logging(settings.log_level, "trainer")
        worker = build_worker(settings, command=training_command)
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.shutdown.set())
    if settings.backend == "gcp":
        watch_for_preemption(settings.metadata_url, worker.shutdown)
    try:
        worker.run()
    except Unfit as reason:
        logger.critical("no job is taken: %s", reason)
        return NO_GPU
    return 0


if __name__ == "__main__":
    sys.exit(main())
