import pytest

from shared.job.progress import Best, Progress, worth_storing

LAST = Progress(phase="screen", done=3, total=10, best=Best(candidate="tiny", val_accuracy=0.5))


@pytest.mark.parametrize(
    ("new", "elapsed_s", "expected"),
    [
        (Progress(phase="screen", done=4, best=LAST.best), 0.5, False),
        (Progress(phase="screen", done=4, best=LAST.best), 1.0, True),
        (Progress(phase="tune", best=LAST.best), 0.0, True),
        (Progress(phase="screen", done=3, best=Best(candidate="tiny", val_accuracy=0.6)), 0.0, True),
        (Progress(phase="screen", done=3, best=Best(candidate="vgg16", val_accuracy=0.5)), 0.0, True),
    ],
    ids=["too soon", "once an interval", "new phase", "new best score", "new best candidate"],
)
def test_what_a_person_waits_for_is_stored_at_once_and_the_rest_now_and_then(
    new: Progress, elapsed_s: float, *, expected: bool
) -> None:
    assert worth_storing(LAST, new, elapsed_s=elapsed_s) is expected


def test_the_first_point_is_stored_at_once() -> None:
    assert worth_storing(None, Progress(phase="prepare"), elapsed_s=0.0)


def test_the_interval_can_be_chosen() -> None:
    point = Progress(phase="screen", done=4, best=LAST.best)
    assert not worth_storing(LAST, point, elapsed_s=4.9, interval_s=5.0)
    assert worth_storing(LAST, point, elapsed_s=5.0, interval_s=5.0)
