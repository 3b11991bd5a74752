"""Tell a person and a log file how a run goes."""

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tools.pretrain.training import Report

LOG_FILE = "log.jsonl"


def progress_bar() -> Progress:
    """A bar with times on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
        console=Console(stderr=True),
    )


class Journal:
    """A bar on the terminal and a JSON line per report in the run's folder, open for as long as the context lasts."""

    def __init__(self, folder: Path) -> None:
        self._bar = progress_bar()
        self._task = self._bar.add_task("training", total=1.0, detail="compiling")
        self._log = (folder / LOG_FILE).open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        self._log.close()

    def note(self, report: Report) -> None:
        """Write down one report."""
        plain = asdict(report)
        self._log.write(json.dumps({**plain, **plain.pop("parts")}) + "\n")
        self._log.flush()
        detail = f"step {report.step}, {report.views_per_s:.0f} views/s, loss {report.parts['loss']:.3f}"
        self._bar.update(self._task, completed=report.progress, detail=detail)
