"""``python -m tests.preloaded.server DESCRIPTOR PYTHON``: imports TensorFlow, and becomes each program asked for.

It has one thread, and starts nothing of TensorFlow: else nothing could be said of its copies. It ends, and with it
every program, when its standard input does.
"""

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from shared.process.lean_import import without_packages

_LENGTH = struct.Struct("!Q")
_REAL_PYTHON = sys.executable
_PRELOADED = (
    *(f"services.{name}" for name in ("trainer.bootstrap", "trainer.training.preparation", "onebox.cli")),
    *(f"services.{name}.bootstrap" for name in ("intake", "reporter")),
    *("scipy.stats", "sklearn.linear_model", "matplotlib.pyplot", "psutil"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a copy of this process is to become: a module with its arguments, or else a process that runs tests."""

    program: list[str]
    code: str
    environ: dict[str, str]
    folder: str
    umask: int


@dataclass(frozen=True, slots=True)
class Running:
    """A program, and the client that stands for it."""

    pid: int
    client: socket.socket


class Server:
    """Forks programs and stands between each and its client: when either ends, so does the other."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._running: dict[int, Running] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ, self._accept)
        self._selector.register(0, selectors.EVENT_READ, self._end)
        deaths, told = socket.socketpair()
        for end in (deaths, told):
            end.setblocking(False)
        self._deaths, self._told = deaths, told
        self._selector.register(deaths, selectors.EVENT_READ, self._reap)
        signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> Order:
        """Serve as long as this process lives; returns in a copy of it, which has streams of its own."""
        while True:
            for key, _ in self._selector.select():
                order = key.data()
                if order is not None:
                    return order

    def _accept(self) -> Order | None:
        client, _ = self._listening.accept()
        heard = _heard_from(client)
        if heard is None:
            client.close()
            return None
        order, streams = heard
        pid = os.fork()
        if not pid:
            self._leave(streams, client)
            return order
        for stream in streams:
            os.close(stream)
        running = Running(pid, client)
        self._running[pid] = running
        self._selector.register(client, selectors.EVENT_READ, lambda: self._kill(running))
        _tell(client, pid)
        return None

    def _leave(self, streams: list[int], client: socket.socket) -> None:
        """In a copy: let go of all that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        clients = [each.client for each in self._running.values()]
        for held in (self._listening, self._deaths, self._told, client, *clients):
            held.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.setsid()

    def _kill(self, running: Running) -> None:
        """The client was killed, since it says nothing and leaves when told so only."""
        if running.pid not in self._running:  # both ended at once
            return
        self._selector.unregister(running.client)
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            self._deaths.recv(4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            ended = self._running.pop(pid)
            with suppress(KeyError):  # its client was killed
                self._selector.unregister(ended.client)
            _tell(ended.client, os.waitstatus_to_exitcode(status))
            ended.client.close()

    def _end(self) -> None:
        for running in self._running.values():
            os.kill(running.pid, signal.SIGKILL)
        os._exit(0)


def _heard_from(client: socket.socket) -> tuple[Order, list[int]] | None:
    """Return what a client asks for and its streams; ``None`` where it ended meanwhile."""
    head, streams, _, _ = socket.recv_fds(client, _LENGTH.size, 3)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    data = b""
    while len(data) < length and (more := client.recv(length - len(data))):
        data += more
    if not length or len(data) < length:
        for stream in streams:
            os.close(stream)
        return None
    return Order(**json.loads(data)), list(streams)


def _tell(client: socket.socket, number: int) -> None:
    with suppress(OSError):  # whoever was killed hears nothing
        client.sendall(f"{number}\n".encode())


def become(order: Order) -> None:
    """Run a module as the program."""
    os.environ.clear()
    os.environ.update(order.environ)
    os.chdir(order.folder)
    os.umask(order.umask)
    for folder in reversed(order.environ.get("PYTHONPATH", "").split(os.pathsep)):
        if folder and folder not in sys.path:
            sys.path.insert(0, folder)
    if order.program:
        sys.argv = order.program
        runpy.run_module(order.program[0], run_name="__main__", alter_sys=True)
    else:
        run_tests(order.code)


def run_tests(code: str) -> None:
    """Run what pytest-xdist hands to Python; only what tests ask to be started as a copy of this process is."""
    sys.argv, sys.executable = ["-c"], _REAL_PYTHON
    main = sys.modules["__main__"] = ModuleType("__main__")
    exec(code, vars(main))


def preload() -> None:
    """Import what programs import, and what most tests do; as in a test, a warning is an error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with without_packages("matplotlib"):
            for name in ("training.pipeline", "run.accelerator", "export.formats.convert"):
                import_module(f"services.trainer.{name}")
        for name in _PRELOADED:
            import_module(name)
    gc.collect()
    gc.freeze()  # memory that nobody writes to is shared with all copies
    gc.set_threshold(100_000, 20, 20)  # as in the tests' own processes


def main(descriptor: str, python: str) -> None:
    """Serve until standard input ends; in a copy, run its program to its end."""
    listening = socket.socket(fileno=int(descriptor))
    sys.executable = python  # what programs start themselves is started alike
    preload()
    become(Server(listening).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
