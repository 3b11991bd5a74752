"""``python -m shared.process.child MODULE``: run a service that cannot outlive the process that started it.

Standard input is a pipe whose other end the starter holds and never writes to; it ends with the starter, however that
dies. This works on every system, and no thread of the starter has to stay alive for it.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_S = 10.0
"""Time to stop in good order once the starter is gone."""


def hold(descriptor: int) -> None:
    """Watch the pipe from a thread: at its end this process is asked to stop, later its whole group is killed."""

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="leash", daemon=True).start()


def main(module: str) -> None:
    """Run a module as the program, on the leash; it must lead a process group of its own."""
    leash = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device, not a path of ours
        os.dup2(nothing.fileno(), 0)
    hold(leash)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
