"""Started in place of Python, with its arguments: has a program run by the server, for which it stands.

Run with ``-ISE``, so that it starts at once. What is neither a module of ours nor a process that runs tests is run by
the real Python, in its own place.
"""

import json
import os
import signal
import socket
import struct
import sys
from contextlib import suppress

_OURS = ("services.", "shared.", "tests.", "tools.")
_RUNS_TESTS = ["-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"]
"""What pytest-xdist starts Python with."""
_HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def module_in(arguments: list[str]) -> list[str] | None:
    """Return the module of ours that Python is to run and its arguments; ``None`` where it is to do something else."""
    words = arguments[1:] if arguments[:1] == ["-P"] else arguments
    return words[1:] if words[:1] == ["-m"] and words[1].startswith(_OURS) else None


def main(address: str, python: str, *arguments: str) -> None:
    """Run a program from its start to its end."""
    program, runs_tests = module_in(list(arguments)), list(arguments) == _RUNS_TESTS
    if program is None and not runs_tests:
        os.execv(python, [python, *arguments])
    umask = os.umask(0)
    os.umask(umask)
    order = {
        "program": program or [],
        "code": "" if program else _RUNS_TESTS[-1],
        "environ": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib takes longer to import than all else here
        "umask": umask,
    }
    data = json.dumps(order).encode()
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
    socket.send_fds(server, [struct.pack("!Q", len(data))], [0, 1, 2])
    server.sendall(data)
    answers = server.makefile("r")
    pid = int(answers.readline() or "0")
    if not pid:
        sys.exit("the preloaded Python is gone")
    for number in _HANDED_ON:
        signal.signal(number, lambda number, _: _hand_on(pid, number))
    for descriptor in range(3):  # the ends of these streams are the program's
        os.close(descriptor)
    _end_as(int(answers.readline() or -signal.SIGKILL))


def _hand_on(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _end_as(status: int) -> None:
    """End with the program's exit status, or by the signal that ended it."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
