"""What is said about the delivered file on photographs as sent: a fair sample, the right counts, an exact test."""

import numpy as np
import pytest
from scipy.stats import binomtest

from services.trainer.evaluation.as_uploaded import compare, fair_order
from shared.interval import mcnemar


def test_any_first_part_holds_every_class_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    order = fair_order(labels, seed=4)
    assert sorted(order.tolist()) == list(range(1000))
    for length in (100, 370, 1000):
        shares = np.bincount(labels[order[:length]], minlength=3) / length
        np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=2 / length)


def test_the_order_depends_on_the_seed_alone() -> None:
    labels = np.repeat([0, 1], 50)
    assert fair_order(labels, seed=1).tolist() == fair_order(labels, seed=1).tolist()
    assert fair_order(labels, seed=1).tolist() != fair_order(labels, seed=2).tolist()


def test_only_images_that_the_file_was_asked_about_count() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1, 1])
    tested = np.array([0, 1, 0, 0, 1, 1, 1])
    found = compare(labels, tested, [0, 0, None, 1, 0], np.arange(7))
    assert found is not None
    assert (found.num_images, found.accuracy, found.test_accuracy) == (4, 0.75, 0.5)
    assert (found.num_right_in_test_only, found.num_right_as_uploaded_only) == (1, 2)
    assert found.p_value == 1.0


@pytest.mark.parametrize("uploaded", [[], [None, None]])
def test_a_file_that_was_asked_about_nothing_has_no_scores(uploaded: list[int | None]) -> None:
    assert compare(np.array([0, 1]), np.array([0, 1]), uploaded, np.arange(2)) is None


def test_copies_of_one_picture_are_no_proof_of_a_difference() -> None:
    labels, tested = np.zeros(12, int), np.zeros(12, int)
    alone = compare(labels, tested, [1] * 8 + [0] * 4, np.arange(12))
    copies = compare(labels, tested, [1] * 8 + [0] * 4, np.array([0] * 8 + [1, 2, 3, 4]))
    assert alone is not None
    assert copies is not None
    assert alone.p_value < 0.01
    assert copies.p_value == 1.0
    assert copies.num_right_in_test_only == 8


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (0, 5), (0, 6), (3, 3), (12, 2), (700, 200)])
def test_the_probability_is_that_of_an_exact_sign_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected)
    assert mcnemar(second, first) == mcnemar(first, second)
