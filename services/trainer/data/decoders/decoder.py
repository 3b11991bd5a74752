"""Decodes files in a process of its own, in order, with a fixed number in flight; one that kills it is left out."""

import atexit
import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from typing import BinaryIO, cast

from services.trainer.data.decoders.decoded import Decoded
from services.trainer.data.decoders.frame import (
    PICTURE,
    SESSION,
    Garbled,
    most_bytes_of,
    pack_session,
    read_frame,
    unpack_answer,
    write_frame,
)
from services.trainer.data.decoders.process import IN_FLIGHT_PER_THREAD, num_threads
from services.trainer.data.pictures.image import ImageLimits, UnusableImage
from shared.process.child_process import PIPE, ChildProcess, python_module

COMMAND = python_module("services.trainer.data.decoders.process")
REST_S = 10.0
"""For so long a process is kept that has nothing to do, in seconds."""
MAX_DEATHS = 40
"""A file that kills does so twice: beside others, and alone."""
Read = Callable[[], bytes]
"""Reads a file; raises :class:`UnusableImage`."""
_Waiting = tuple[Read, UnusableImage | None]
"""A file that was sent, or why it was not."""
_log = logging.getLogger(__name__)


class DecoderDied(Exception):
    """The process has ended, or says what it cannot mean."""


class _Process(ChildProcess):
    """One process, and the thread that feeds it: whoever writes into a pipe may wait for who reads from the other."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command, os.environ, output=PIPE)
        self._sizes_px: tuple[int, ...] = ()
        self._num_awaited = 0
        self._frames: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        self._feeder = threading.Thread(target=self._feed, name="decode-feed", daemon=True)
        self._feeder.start()

    @property
    def is_clean(self) -> bool:
        """Tell whether it lives and owes no answer, so that another data set may be decoded by it."""
        return self.is_alive and self._num_awaited == 0

    def begin(self, sizes_px: tuple[int, ...], limits: ImageLimits) -> None:
        """Say what holds for the files that follow."""
        self._sizes_px = sizes_px
        self._frames.put((SESSION, pack_session(sizes_px, limits)))

    def send(self, data: bytes) -> None:
        """Have a file decoded."""
        self._num_awaited += 1
        self._frames.put((PICTURE, data))

    def answer(self) -> Decoded | UnusableImage:
        """Return the next answer.

        Raises:
            DecoderDied: If there is none.
        """
        source = cast("BinaryIO", self._popen.stdout)
        try:
            frame = read_frame(source, most_bytes=most_bytes_of(self._sizes_px))
            if frame is None:
                raise DecoderDied("it ended")
            answer = unpack_answer(*frame, self._sizes_px)
        except Garbled as error:
            raise DecoderDied(str(error)) from error
        self._num_awaited -= 1
        return answer

    def end(self, patience_s: float = 0.0) -> None:
        """Make sure that it is gone."""
        self._frames.put(None)
        self.kill()  # nothing that it could still do is wanted, and a feeder that waits is let go
        self._feeder.join()
        super().end(patience_s)
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _feed(self) -> None:
        sink = cast("BinaryIO", self._popen.stdin)
        with suppress(OSError):  # that it is dead shows where answers are read
            while (frame := self._frames.get()) is not None:
                write_frame(sink, *frame)
                sink.flush()


class _Rest:
    """Keeps a process that has nothing to do for some seconds: to start one takes longer than to decode a small set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resting: dict[tuple[str, ...], tuple[_Process, threading.Timer]] = {}
        atexit.register(self.end)

    def take(self, command: tuple[str, ...]) -> _Process:
        """Return a process that rests, or a new one."""
        with self._lock:
            found = self._resting.pop(command, None)
        if found is None:
            return _Process(command)
        process, timer = found
        timer.cancel()
        if process.is_clean:
            return process
        process.end()
        return _Process(command)

    def keep(self, command: tuple[str, ...], process: _Process) -> None:
        """Let a process rest; one that cannot be used again, or beside another, ends."""
        timer = threading.Timer(REST_S, self._expire, (command, process))
        timer.daemon = True
        with self._lock:
            is_kept = process.is_clean and command not in self._resting
            if is_kept:
                self._resting[command] = (process, timer)
        if is_kept:
            timer.start()
        else:
            process.end()

    def end(self) -> None:
        """End all that rest."""
        with self._lock:
            resting, self._resting = list(self._resting.values()), {}
        for process, timer in resting:
            timer.cancel()
            process.end()

    def _expire(self, command: tuple[str, ...], process: _Process) -> None:
        with self._lock:
            found = self._resting.get(command)
            if found is None or found[0] is not process:
                return
            del self._resting[command]
        process.end()


_REST = _Rest()


def warm(command: Sequence[str] = COMMAND) -> None:
    """Start the process that will be given files, if that can be done now, so that its imports cost no time later.

    Args:
        command: See :class:`Decoder`.
    """
    try:
        _REST.keep(tuple(command), _REST.take(tuple(command)))
    except OSError as error:
        _log.warning("the process that decodes pictures could not be started yet", extra={"reason": str(error)})


class Decoder:
    """Decodes the files of one data set; close it.

    Args:
        sizes_px: Side lengths, each once.
        limits: Which images are used.
        command: Starts the process; tests start another.
        max_deaths: Deaths after which nobody believes any more that single files are at fault.
    """

    def __init__(
        self,
        sizes_px: Sequence[int],
        limits: ImageLimits,
        *,
        command: Sequence[str] = COMMAND,
        max_deaths: int = MAX_DEATHS,
    ) -> None:
        self._sizes_px, self._limits = tuple(sizes_px), limits
        self._command = tuple(command)
        self._max_deaths = max_deaths
        self._process: _Process | None = None
        self._num_deaths = 0

    def decode(self, reads: Iterable[Read]) -> Generator[Decoded | UnusableImage, None, None]:
        """Yield what became of every file, in order.

        Raises:
            DecoderDied: If the process goes on to die whatever it is given.
        """
        waiting: deque[_Waiting] = deque()
        for read in reads:
            waiting.append((read, self._sent(read)))
            if len(waiting) >= num_threads() * IN_FLIGHT_PER_THREAD:
                yield from self._next(waiting)
        while waiting:
            yield from self._next(waiting)

    def close(self) -> None:
        """Let go of the process."""
        if self._process is not None:
            _REST.keep(self._command, self._process)
            self._process = None

    def _sent(self, read: Read) -> UnusableImage | None:
        """Send a file; return why not, where it cannot be read."""
        try:
            data = read()
        except UnusableImage as error:
            return error
        if self._process is None:
            self._process = _REST.take(self._command)
            self._process.begin(self._sizes_px, self._limits)
        self._process.send(data)
        return None

    def _next(self, waiting: deque[_Waiting]) -> Generator[Decoded | UnusableImage, None, None]:
        """Yield the next answer; where the process died, that of every file in flight, each tried alone."""
        read, error = waiting[0]
        if error is not None:
            waiting.popleft()
            yield error
            return
        try:
            answer = self._answer()
        except DecoderDied:
            self._note_death()
            while waiting:
                read, error = waiting.popleft()
                yield error or self._alone(read)
            return
        waiting.popleft()
        yield answer

    def _alone(self, read: Read) -> Decoded | UnusableImage:
        try:
            error = self._sent(read)
            return error or self._answer()
        except DecoderDied:
            self._note_death()
            reason = "Reading it ended the process that reads pictures, and again when it was read alone."
            return UnusableImage("image_corrupt", reason, fix="Open it and save it anew, or leave it out.")

    def _answer(self) -> Decoded | UnusableImage:
        if self._process is None:
            raise DecoderDied("it was ended")
        return self._process.answer()

    def _note_death(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None
        self._num_deaths += 1
        _log.warning("the process that decodes pictures died", extra={"num_deaths": self._num_deaths})
        if self._num_deaths > self._max_deaths:
            raise DecoderDied(f"it died {self._num_deaths} times")
