"""``python -m tests.paced_trainer``: the trainer's worker, whose training processes are :mod:`tests.paced_training`."""

import sys

from services.trainer.__main__ import main
from shared.process.child_process import python_module

if __name__ == "__main__":
    sys.exit(main(python_module("tests.paced_training")))
