"""The reporter's end of the process that draws: whatever becomes of it, the report is written and the mail sent."""

import base64
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from services.reporter.report.figures import Figures, Picture
from services.reporter.report.plots.plan import planned_plots, thumbnails
from shared.job.result import Result
from shared.json_codec import to_json
from shared.language.speech import spoken
from shared.process.child_process import ONE_THREAD, python_module
from shared.process.line_process import LineProcess, ProcessDied

_log = logging.getLogger(__name__)

PATIENCE_S = 45.0
"""Time for all plots of a report, in seconds; they take one or two, and ten times that on a busy machine.

It is less than the reporter's lease."""
MAX_BYTES = 512 * 2**20
"""Memory that drawing may allocate; the largest plot takes a fifth of it."""
_COMMAND = python_module("services.reporter.report.plots.process")


_Png = tuple[bytes, bytes]
"""A plot for a light and for a dark page."""


class Drawer:
    """Draws the plots of reports in a process of its own, which stays warm; safe for threads.

    Args:
        command: Starts that process.
        patience_s: See :data:`PATIENCE_S`.
        monotonic: Seconds on a clock that nobody sets.
    """

    def __init__(
        self,
        command: Sequence[str] = _COMMAND,
        *,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._patience_s = patience_s
        self._monotonic = monotonic
        # On Linux a process ends with the thread that started it, so one thread outlives them all; it also draws for
        # one report at a time.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawer")
        self._process: LineProcess | None = None

    def warm_up(self) -> None:
        """Start the process, so that no report waits for its imports; return at once."""
        self._thread.submit(self._warm)

    def draw(self, result: Result) -> Figures:
        """Return every picture of a report, in the language that is spoken.

        Of those that could not be drawn it returns what they would have shown.
        """
        plots, language = planned_plots(result), spoken()
        until = self._monotonic() + self._patience_s
        drawn = self._thread.submit(lambda: dict(self._draw(result, list(plots), language, until))).result()
        pictures = [
            Picture(name=name, alt=alt, subtype="png", data=light, dark=dark)
            for name, alt in plots.items()
            for light, dark in [drawn.get(name, (b"", b""))]
        ]
        return {picture.name: picture for picture in [*pictures, *thumbnails(result)]}

    def end(self) -> None:
        """Make sure that the process is gone."""
        self._thread.submit(self._end).result()

    def _draw(self, result: Result, waiting: list[str], language: str, until: float) -> Iterator[tuple[str, _Png]]:
        """Yield the plots that can be drawn in time, by name; one that costs the process its life costs no other."""
        # No plot shows mistakes or where the network looks, which are most of the document.
        bare = replace(result, test=replace(result.test, mistakes=()), focus=None)
        document = to_json(bare) if waiting else {}
        while waiting:
            try:
                process = self._warm()
                order = {"result": document, "names": waiting, "language": language}
                process.send(json.dumps(order, separators=(",", ":")).encode() + b"\n")
                while waiting:
                    answer = process.receive(max(0.0, until - self._monotonic()))
                    if answer is None:
                        _log.error("plots took too long", extra={"plots": waiting})
                        self._end()
                        return
                    yield from _drawn(waiting.pop(0), answer)
            except ProcessDied as death:
                _log.exception("drawing died", extra={"plot": waiting[0], "return_code": death.return_code})
                self._end()
                waiting.pop(0)
            except OSError:
                _log.exception("drawing cannot be started", extra={"plots": waiting})
                return

    def _warm(self) -> LineProcess:
        if self._process is None:
            self._process = LineProcess(self._command, {**os.environ, **ONE_THREAD})
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _drawn(name: str, answer: bytes) -> Iterator[tuple[str, _Png]]:
    told = json.loads(answer)
    if "png" in told:
        yield name, (base64.b64decode(told["png"]), base64.b64decode(told.get("dark", "")))
    else:
        _log.error("a plot could not be drawn", extra={"plot": name, "reason": told.get("error")})
