"""Live progress on standard error: bars on a terminal, plain lines in a log file."""

import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from services.client.archive import BytesListener
from services.client.terminal.stage import Stage, best_so_far, counts, listed
from shared.text.printable import printable, printable_name
from shared.wording import duration

_REFRESHES_PER_S = 4  # each costs milliseconds of a core that the training could use
_LINE_INTERVAL_S = 10.0


class Live(Protocol):
    """Shows how a job comes along; use it in a ``with`` block."""

    def __enter__(self) -> Self:
        """Begin to draw."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave what was drawn as it stands."""
        ...

    def show(self, stage: Stage | None) -> None:
        """Draw a new point; ``None``: everything is finished."""
        ...

    def note(self, text: str) -> None:
        """Write a line that stays."""
        ...


def open_live(console: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> Live:
    """Return bars where standard error is a terminal that can move its cursor, plain lines elsewhere.

    Variables that ask for colours in a log, such as FORCE_COLOR, make no terminal of it.
    """
    console = console or Console(stderr=True, force_terminal=sys.stderr is not None and sys.stderr.isatty())
    has_bars = console.is_terminal and not console.is_dumb_terminal
    return LiveBars(console, clock=clock) if has_bars else LiveLines(console, clock=clock)


def in_bytes(live: Live, key: str) -> BytesListener:
    """Return what shows a stage that is counted in bytes."""
    return lambda done, total: live.show(Stage(key=key, done=done, total=total, unit="bytes"))


class _StageTime(ProgressColumn):
    """Time that a stage took, or takes: rich's own ends when the last unit is done, a stage when the next begins."""

    max_refresh = 0.2

    def render(self, task: Task) -> Text:
        ended_s = task.fields["ended_s"]
        return Text(duration((task.get_time() if ended_s is None else ended_s) - task.fields["began_s"]), style="dim")


class _Bars(Progress):
    """The bars with one line below them about the whole job."""

    footer = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.footer:
            yield Text(self.footer, style="bold")


class LiveBars:
    """One bar per stage; finished ones keep their time.

    Args:
        console: Where to draw.
        clock: Seconds that pass evenly.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bars = _Bars(
            TextColumn("{task.description:<17}"),
            BarColumn(bar_width=28, pulse_style="grey50"),
            TextColumn("{task.fields[counts]}", markup=False),
            _StageTime(),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            console=console,
            refresh_per_second=_REFRESHES_PER_S,
            get_time=clock,
        )
        self._current: tuple[str, TaskID] | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they stand and give the terminal back."""
        self._bars.footer = ""
        self._bars.stop()

    def show(self, stage: Stage | None) -> None:
        """Draw a new point; ``None``: everything is finished."""
        if stage is None or self._current is None or self._current[0] != stage.key:
            self._finish()
        if stage is None:
            self._bars.footer = ""
            return
        if self._current is None:
            self._current = (
                stage.key,
                self._bars.add_task(
                    printable_name(stage.title), counts="", detail="", began_s=self._clock(), ended_s=None
                ),
            )
        self._bars.update(
            self._current[1],
            completed=stage.done,
            total=stage.total or None,
            counts=printable_name(counts(stage)),
            detail=printable_name(stage.detail),
        )
        left = f"about {duration(stage.eta_s)} left" if stage.eta_s is not None else ""
        self._bars.footer = listed([best_so_far(stage.best), left])

    def note(self, text: str) -> None:
        """Write a line above the bars."""
        self._bars.console.print(printable(text), highlight=False, markup=False)

    def _finish(self) -> None:
        if self._current is None:
            return
        task = self._bars.tasks[self._current[1]]
        total = task.total or task.completed or 1
        self._bars.update(task.id, completed=total, total=total, detail="", ended_s=self._clock())
        self._current = None


class LiveLines:
    """A line for every new stage, every new best, and otherwise every ten seconds.

    Args:
        console: Where to write.
        clock: Seconds that pass evenly.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float]) -> None:
        self._console, self._clock = console, clock
        self._start_s = self._written_s = clock()
        self._last: Stage | None = None

    def __enter__(self) -> Self:
        """Nothing has to be prepared."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing has to be given back."""

    def show(self, stage: Stage | None) -> None:
        """Write a line where there is news."""
        if stage is None or not self._is_news(stage):
            return
        self._last, self._written_s = stage, self._clock()
        left = f"about {duration(stage.eta_s)} left" if stage.eta_s is not None else ""
        self.note(listed([stage.title, counts(stage), stage.detail, best_so_far(stage.best), left]))

    def note(self, text: str) -> None:
        """Write a line with the seconds since the start."""
        self._console.print(
            f"{self._clock() - self._start_s:7.1f} s  {printable(text)}", highlight=False, markup=False, soft_wrap=True
        )

    def _is_news(self, stage: Stage) -> bool:
        last = self._last
        if last is None or (last.key, last.best) != (stage.key, stage.best):
            return True
        return stage != last and self._clock() - self._written_s >= _LINE_INTERVAL_S
