"""Runs a program until standard input ends, and then kills it with everything it started.

The emulators are a shell that starts Python that starts Java in a process group of its own; only the session is
common to them. Whatever way the tests end, even by SIGKILL, the pipe to this process closes.

    python tests/cloud/guard.py COMMAND [ARGUMENT...] < PIPE
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil


def main() -> None:
    """Start the command in a session of its own, and kill that session at the end of input or of the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the starter decides
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_with_input, args=(process.pid,), daemon=True).start()
    code = process.wait()
    _kill_session(process.pid)
    sys.exit(code)


def _end_with_input(session: int) -> None:
    while sys.stdin.buffer.read1(4096):
        pass
    _kill_session(session)


def _kill_session(session: int) -> None:
    for _ in range(3):  # one that is just being started may slip through a single look
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if os.getsid(process.pid) == session:
                    process.kill()


if __name__ == "__main__":
    main()
