"""What the report says between the numbers of a result: rows of classes, confusions, the order of candidates."""

from dataclasses import replace

import pytest

from services.reporter.report.statistics import (
    MOST_MATRIX_CLASSES,
    class_rows,
    confusions,
    counted_images,
    guessing_accuracy,
    matrix_view,
    trained,
    weakest_first,
)
from shared.interval import wilson_interval
from shared.job.job import TrialState
from shared.job.result import Result
from tests.result_fixture import make_result

MATRIX = ((8, 2, 0), (1, 4, 0), (0, 4, 16))


def made(
    *, of_class: float | None = None, in_all: float | None = None, f1: tuple[float, ...] = (0.8, 0.5, 0.5)
) -> Result:
    """Return a result of three classes with 10, 5 and 20 test images."""
    result = make_result(("a", "b", "c"), num_candidates=1)
    scores = [
        replace(
            score,
            num_images=sum(MATRIX[at]),
            num_independent=of_class,
            f1=f1[at],
            cross_validated=0.75,
            num_cross_validated=40,
        )
        for at, score in enumerate(result.test.per_class)
    ]
    test = replace(result.test, num_images=35, num_independent=in_all, confusion_matrix=MATRIX, per_class=tuple(scores))
    return replace(result, test=test)


def test_each_class_has_its_number_what_was_right_and_what_was_taken_for_it() -> None:
    rows = class_rows(made())
    assert [(row.number, row.num_right, row.num_predicted) for row in rows] == [(1, 8, 9), (2, 4, 10), (3, 16, 16)]
    assert [row.recall_interval for row in rows] == [
        wilson_interval(8, 10),
        wilson_interval(4, 5),
        wilson_interval(16, 20),
    ]
    assert [row.precision_interval for row in rows] == [
        wilson_interval(8, 9),
        wilson_interval(4, 10),
        wilson_interval(16, 16),
    ]
    assert [row.cross_interval for row in rows] == [wilson_interval(30, 40)] * 3


def test_copies_widen_the_interval_of_a_class_by_its_own_and_of_what_was_taken_for_it_by_those_of_the_whole_test() -> (
    None
):
    assert [counted_images(each) for each in (made().test, made(in_all=7.0).test)] == [35.0, 7.0]
    row = class_rows(made(of_class=2.0, in_all=7.0))[0]
    assert row.recall_interval == pytest.approx(wilson_interval(0.8 * 2, 2))
    counted = 9 * 7 / 35
    assert row.precision_interval == pytest.approx(wilson_interval(8 / 9 * counted, counted))
    assert row.cross_interval == pytest.approx(wilson_interval(0.75 * 8, 8))


def test_a_class_without_images_or_never_answered_may_be_anything() -> None:
    nothing = replace(made(), test=replace(made().test, confusion_matrix=((0, 0, 0),) * 3))
    assert {row.precision_interval for row in class_rows(nothing)} == {(0.0, 1.0)}


def test_classes_stand_from_the_weakest_on_and_equals_in_their_order() -> None:
    assert [row.number for row in weakest_first(class_rows(made(f1=(0.8, 0.5, 0.5))))] == [2, 3, 1]


def test_who_always_answers_the_commonest_class_is_right_on_its_share() -> None:
    assert guessing_accuracy(made()) == 20 / 35


def test_what_is_mixed_up_most_comes_first_and_of_equals_what_is_mixed_up_more_often() -> None:
    result = make_result(("a", "b", "c"), num_candidates=1)
    per_class = [replace(each, num_images=num) for each, num in zip(result.test.per_class, (9, 6, 8), strict=True)]
    matrix = ((3, 2, 4), (2, 4, 0), (0, 1, 7))
    result = replace(result, test=replace(result.test, confusion_matrix=matrix, per_class=tuple(per_class)))
    told = [(each.actual, each.predicted, each.count, each.num_images) for each in confusions(result)]
    assert told == [("a", "c", 4, 9), ("b", "a", 2, 6), ("a", "b", 2, 9), ("c", "b", 1, 8)]


@pytest.mark.parametrize(("num_classes", "is_whole"), [(MOST_MATRIX_CLASSES, True), (MOST_MATRIX_CLASSES + 1, False)])
def test_a_matrix_is_shown_whole_up_to_as_many_classes_as_can_be_read(num_classes: int, *, is_whole: bool) -> None:
    view = matrix_view(make_result(tuple(f"class {number}" for number in range(num_classes)), num_candidates=1))
    assert view.is_whole is is_whole


def test_candidates_stand_from_the_best_on_the_winner_before_its_equals_and_those_without_a_result_not() -> None:
    result = make_result(num_candidates=4)
    accuracies = (0.9, 0.95, 0.9, None)
    names = [each.name for each in result.candidates]
    candidates = [
        replace(each, val_accuracy=accuracy, state=TrialState.DONE)
        for each, accuracy in zip(result.candidates, accuracies, strict=True)
    ]
    left = replace(candidates[0], name="left", state=TrialState.SKIPPED)
    result = replace(result, candidates=(*candidates, left), winner=names[2])
    assert [each.name for each in trained(result)] == [names[1], names[2], names[0]]
