"""``python -m shared.process.guarded MODULE``: run a service that cannot outlive the process that started it.

It must lead a process group of its own and be started as a :class:`shared.process.child_process.ChildProcess`.
"""

import runpy
import sys

from shared.process.parent_death import stop_with_starter


def main(module: str) -> None:
    """Run a module as the program."""
    stop_with_starter()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
