"""Times the phases of a run, and completes every progress report with the forecast and the best network so far."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from services.trainer.run.forecast import Forecast
from shared.job.progress import Best, Progress, ProgressListener


@dataclass(slots=True, kw_only=True)
class PhaseClock:
    """The clock of one run.

    Args:
        listener: Takes the completed reports.
        forecast: Foretells the end; its clock is ``monotonic`` too.
        monotonic: Seconds on a clock that nobody sets.
    """

    listener: ProgressListener
    forecast: Forecast
    monotonic: Callable[[], float] = time.monotonic
    spent_s: dict[str, float] = field(default_factory=dict)
    _best: Best | None = None

    def wait_for(self, thing: Callable[[], None]) -> None:
        """Wait for something that belongs to no phase and says nothing about their speed."""
        thing()
        self.forecast.skip(self.monotonic())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and report its beginning."""
        started = self.monotonic()
        self.report(Progress(phase=name))
        try:
            yield
        finally:
            self.spent_s[name] = self.monotonic() - started

    def report(self, progress: Progress) -> None:
        """Complete a report and hand it on."""
        best = progress.best
        if best is not None and (self._best is None or best.val_accuracy >= self._best.val_accuracy):
            self._best = best
        eta_s = self.forecast.update(progress.phase, progress.done, progress.total, self.monotonic())
        self.listener(replace(progress, eta_s=round(eta_s, 1), best=self._best))
