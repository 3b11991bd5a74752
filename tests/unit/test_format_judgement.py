"""A format is delivered only where it does what was evaluated; what is said of it is what was seen."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.export.formats.judgement import Comparison, Evaluated, compare
from services.trainer.export.formats.order import Scored

NUM, KEPT = 400, 16


def evaluated() -> Evaluated:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(3), NUM)
    labels = probabilities.argmax(axis=1)
    labels[:40] = (labels[:40] + 1) % 3
    return Evaluated(labels=labels, probabilities=probabilities, num_kept=KEPT, pictures=probabilities[:2])


def compared(change: float = 0.0, *, wrong: int = 0, first: int = NUM, is_rounded: bool = False) -> Comparison:
    told = evaluated()
    found = told.probabilities[:first] + change
    for position in range(200, 200 + wrong):
        found[position] = np.roll(found[position], 1)
    scored = Scored(pictures=tuple(tuple(row) for row in told.pictures + change))
    return compare(found, scored, told, is_rounded=is_rounded)


def test_a_faithful_format_has_the_accuracy_of_the_test() -> None:
    found = compared(1e-6)
    assert found.objection is None
    assert found.accuracy == found.test_accuracy == 0.9
    assert found.kept_gap == found.picture_gap == pytest.approx(1e-6)
    assert (found.num_images, found.num_otherwise) == (NUM, 0)


def test_probabilities_that_differ_on_any_image_speak_against_a_format() -> None:
    assert "differ by up to 0.0200" in str(compared(0.02).objection)
    late = compared(wrong=1)
    assert "differ by up to" in str(late.objection)
    assert late.kept_gap == 0, "it lies behind those that are kept"


def test_rounded_weights_may_change_numbers_but_not_the_accuracy() -> None:
    assert compared(0.02, is_rounded=True).objection is None
    assert compared(wrong=2, is_rounded=True).objection is None
    found = compared(wrong=3, is_rounded=True)
    assert "89.2% right of 400 test images, where 90.0% are expected" in str(found.objection)
    assert found.num_otherwise == 3


@pytest.mark.parametrize(("num_images", "lost", "is_kept"), [(20, 1, True), (20, 2, False), (199, 1, True)])
def test_one_image_lost_of_few_is_no_reason_to_leave_out_rounded_weights(
    num_images: int, lost: int, is_kept: bool
) -> None:
    told = evaluated()
    found = told.probabilities[-num_images:].copy()
    found[:lost] = np.roll(found[:lost], 1, axis=1)
    scored = Scored(pictures=tuple(tuple(row) for row in told.pictures))
    last = Evaluated(
        labels=told.labels[-num_images:],
        probabilities=told.probabilities[-num_images:],
        num_kept=KEPT,
        pictures=told.pictures,
    )
    assert (compare(found, scored, last, is_rounded=True).objection is None) is is_kept


def test_what_rounded_weights_gain_speaks_for_them() -> None:
    told = evaluated()
    found = told.probabilities.copy()
    found[:20] = np.roll(found[:20], 1, axis=1)
    scored = Scored(pictures=tuple(tuple(row) for row in told.pictures))
    assert compare(found, scored, told, is_rounded=True).objection is None


def test_another_resize_is_noticed_by_the_pictures_alone() -> None:
    told = evaluated()
    scored = Scored(pictures=tuple(tuple(row) for row in told.pictures[::-1]))
    found = compare(told.probabilities, scored, told, is_rounded=False)
    assert found.kept_gap == 0
    assert "differ by up to" in str(found.objection)


@pytest.mark.parametrize("is_rounded", [False, True])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_speak_against_a_format(number: float, is_rounded: bool) -> None:
    found = compared(number, is_rounded=is_rounded)
    assert found.objection == "it gives probabilities that are no numbers"
    assert found.kept_gap == 1  # a number, which JSON can hold


def test_a_format_is_judged_by_the_test_alone_where_there_are_no_pictures_to_try_it_on() -> None:
    told = replace(evaluated(), pictures=np.array([], np.float64))
    found = compare(told.probabilities, Scored(), told, is_rounded=False)
    assert (found.objection, found.picture_gap, found.num_images) == (None, 0, NUM)


def test_images_that_there_was_no_time_for_are_not_counted() -> None:
    assert compared(first=100).num_images == 100
    assert compared(first=100).test_accuracy == pytest.approx(0.6)
