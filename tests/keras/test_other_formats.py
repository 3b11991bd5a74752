"""No job waits or fails for a format: where time, room or a package is missing, formats are left out, and why."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from services.trainer.data.dataset import LearningSet, Split
from services.trainer.evaluation.evaluate import Evaluation
from services.trainer.export.delivery import Package
from services.trainer.export.formats.format_trials import FormatTrials, start_trial
from services.trainer.export.formats.order import Scored, Scoring
from services.trainer.export.verifier import Verifier
from services.trainer.run.context import Run
from services.trainer.run.deadline import LATE_S, Countdown, Deadline
from services.trainer.training.formats import Delivered, add_formats, expect_formats
from shared.layout import FILE_NAMES, OTHER_FORMATS, Artefact
from shared.process.line_process import LineProcess
from tests.result_fixture import make_result
from tests.training_fixture import null_ledger
from tests.waiting import until

NUM, PX = 6, 8
NO_TRIALS: FormatTrials = object()  # type: ignore[assignment]  # nothing may be asked of them


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    files = {name: tmp_path / name for name in ("model_h5", "model_keras", "labels", "predict")}
    for path in files.values():
        path.write_bytes(b"no network")
    everything = np.arange(NUM)
    learning = LearningSet(
        facts={},
        directory=tmp_path,
        classes=("ant", "bee"),
        labels=np.zeros(NUM, np.int32),
        groups=everything,
        paths=tuple(f"ant/{number}.jpg" for number in range(NUM)),
        split=Split(train=everything[:0], validation=everything[:0], test=everything),
        sizes_px=(PX,),
    )
    evaluation = Evaluation(
        scores=make_result().test,
        temperature=1.0,
        indices=everything,
        labels=np.zeros(NUM, np.int32),
        groups=everything,
        probabilities=np.full((NUM, 2), 0.5),
    )
    return Delivered(
        package=Package(**files), evaluation=evaluation, learning=learning, px=PX, archive=tmp_path / "photos.zip"
    )


def run_of(
    directory: Path,
    *,
    now: float = 0.0,
    reserve_bytes: int = 0,
    formats: Sequence[Artefact] = tuple(OTHER_FORMATS.values()),
) -> Run:
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=0.0), monotonic=lambda: now)
    return Run(
        directory=directory,
        seed=0,
        report=lambda _: None,
        stop_reason=lambda: None,
        countdown=countdown,
        ledger=null_ledger(),
        reserved_bytes=lambda: reserve_bytes,
        formats=tuple(formats),
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"now": LATE_S}, "no time"), ({"now": LATE_S - 5}, "no time"), ({"reserve_bytes": 2**62}, "no room")],
)
def test_without_time_or_room_nothing_is_started(
    changes: dict[str, Any], reason: str, delivered: Delivered, tmp_path: Path
) -> None:
    verifier: Verifier = object()  # type: ignore[assignment]  # nothing may be asked of it
    found = add_formats(delivered, verifier, NO_TRIALS, run_of(tmp_path, **changes))
    assert found.files == {}
    assert [each.file for each in found.results] == [FILE_NAMES[each] for each in OTHER_FORMATS.values()]
    assert all(reason in str(each.left_out_because) for each in found.results)
    assert not delivered.folder.exists()


@pytest.mark.parametrize("formats", [(), (Artefact.MODEL_TFLITE,)])
def test_of_a_format_that_nobody_wants_nothing_is_told(
    formats: tuple[Artefact, ...], delivered: Delivered, tmp_path: Path
) -> None:
    verifier: Verifier = object()  # type: ignore[assignment]  # nothing may be asked of it
    found = add_formats(delivered, verifier, NO_TRIALS, run_of(tmp_path, now=LATE_S, formats=formats))
    assert [each.file for each in found.results] == [FILE_NAMES[each] for each in formats]


def test_a_network_that_the_converter_dies_of_is_delivered_without_formats(
    delivered: Delivered, tmp_path: Path
) -> None:
    """The file is no network, and the archive is gone: there are no examples either."""
    verifier = Verifier()
    try:
        with FormatTrials() as trials:
            found = add_formats(delivered, verifier, trials, run_of(tmp_path))
    finally:
        verifier.end()
    assert found.files == {}
    assert found.examples == ()
    for each in found.results:
        assert any(words in str(each.left_out_because) for words in ("broke off", "not installed", "on a Mac"))


def started(num: int) -> set[psutil.Process]:
    """Wait for so many of them and return them: for a moment a new process has no command line."""
    return until(lambda: found if len(found := children()) == num else set())


def children() -> set[psutil.Process]:
    """Return the processes that wait to try a file."""
    found = set()
    for each in psutil.Process().children():
        with suppress(psutil.Error):  # another test's, which has just ended
            found |= {each} if "services.trainer.export.formats.score" in each.cmdline() else set()
    return found


def test_trials_start_before_there_is_a_file_and_are_gone_at_the_end(tmp_path: Path) -> None:
    formats = (Artefact.MODEL_TFLITE, Artefact.MODEL_TFLITE_FLOAT16)
    with FormatTrials() as trials:
        expect_formats(trials, run_of(tmp_path, formats=formats))
        first = started(len(formats))
        expect_formats(trials, run_of(tmp_path, formats=formats))
        assert children() == first
    assert not children()


def test_nothing_is_started_that_there_will_be_no_time_for(tmp_path: Path) -> None:
    first: list[LineProcess] = []

    def start() -> LineProcess:
        first.append(start_trial())
        return first[-1]

    with FormatTrials(start) as trials:
        expect_formats(trials, run_of(tmp_path, now=LATE_S))
    assert not first


def test_a_trial_that_dies_speaks_against_its_file_and_against_no_other(tmp_path: Path) -> None:
    scoring = Scoring(
        model=tmp_path / "model.tflite",
        squares=tmp_path / "squares.npy",
        rows=(0,),
        num_needed=1,
        pictures=(),
        answers=tmp_path / "answers.npy",
        seconds=60,
    )
    with FormatTrials() as trials:
        trials.begin(scoring)
        for each in started(1):
            each.kill()
        killed = trials.collect(60, late="late")
        trials.warm(2)
        waiting = started(2)
        for each in waiting:
            each.kill()
        until(lambda: all(each.status() == psutil.STATUS_ZOMBIE for each in waiting))
        trials.begin(scoring)
        tried = trials.collect(60, late="late")
        trials.begin(scoring)
        too_late = trials.collect(0, late="late")
        assert trials.collect(60, late="late") is None
    assert killed == (scoring.model, Scored(error="the process that tried it ended with -9"))
    assert tried is not None
    assert "ended with" not in str(tried[1].error)
    assert tried[1].error is not None  # there is no such file
    assert too_late == (scoring.model, Scored(error="late"))
    assert not children()


def test_a_trial_that_cannot_be_started_yet_is_started_when_there_is_a_file() -> None:
    is_refused = iter((True, False, False))

    def start() -> LineProcess:
        if next(is_refused):
            raise BlockingIOError("no more processes")
        return start_trial()

    with FormatTrials(start) as trials:
        trials.warm(2)
        assert not children()
        trials.warm(2)
        assert len(started(2)) == 2
