"""No job waits or fails for a format: where time, room or a package is missing, formats are left out, and why."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.trainer.data.dataset import LearningSet, Split
from services.trainer.evaluation.evaluate import Evaluation
from services.trainer.export.delivery import Package
from services.trainer.export.verifier import Verifier
from services.trainer.run.context import Run
from services.trainer.run.deadline import LATE_S, Countdown, Deadline
from services.trainer.training.formats import Delivered, add_formats
from shared.layout import FILE_NAMES, OTHER_FORMATS, Artefact
from tests.result_fixture import make_result
from tests.training_fixture import null_ledger

NUM, PX = 6, 8


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
    changes: dict[str, float], reason: str, delivered: Delivered, tmp_path: Path
) -> None:
    verifier: Verifier = object()  # type: ignore[assignment]  # nothing may be asked of it
    found = add_formats(delivered, verifier, run_of(tmp_path, **changes))
    assert found.files == {}
    assert [each.file for each in found.results] == [FILE_NAMES[each] for each in OTHER_FORMATS.values()]
    assert all(reason in str(each.left_out_because) for each in found.results)
    assert not delivered.folder.exists()


@pytest.mark.parametrize("formats", [(), (Artefact.MODEL_TFLITE,)])
def test_of_a_format_that_nobody_wants_nothing_is_told(
    formats: tuple[Artefact, ...], delivered: Delivered, tmp_path: Path
) -> None:
    verifier: Verifier = object()  # type: ignore[assignment]  # nothing may be asked of it
    found = add_formats(delivered, verifier, run_of(tmp_path, now=LATE_S, formats=formats))
    assert [each.file for each in found.results] == [FILE_NAMES[each] for each in formats]


def test_a_network_that_the_converter_dies_of_is_delivered_without_formats(
    delivered: Delivered, tmp_path: Path
) -> None:
    """The file is no network, and the archive is gone: there are no examples either."""
    verifier = Verifier()
    try:
        found = add_formats(delivered, verifier, run_of(tmp_path))
    finally:
        verifier.end()
    assert found.files == {}
    assert found.examples == ()
    for each in found.results:
        assert any(words in str(each.left_out_because) for words in ("broke off", "not installed", "on a Mac"))
