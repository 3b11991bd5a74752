"""The numbers of the report against textbook values, scikit-learn and cases whose answer is known."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from services.trainer.evaluation.metrics import (
    Dependence,
    balanced_accuracy,
    class_scores,
    confusion,
    correlation_within,
    expected_calibration_error,
    macro_f1,
    with_cross_validated,
)
from services.trainer.fitting.temperature import fit_temperature, probabilities
from shared.interval import wilson_interval


def test_scores_equal_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, 200)
    predicted = np.where(rng.random(200) < 0.7, labels, rng.integers(0, 4, 200))
    scores = class_scores(labels, predicted, ("a", "b", "c", "d"), Dependence(copies=np.arange(200)))
    assert balanced_accuracy(scores) == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert macro_f1(scores) == pytest.approx(f1_score(labels, predicted, average="macro"))
    matrix = confusion(labels, predicted, 4)
    assert matrix.sum() == 200
    assert [score.recall for score in scores] == pytest.approx(matrix.diagonal() / matrix.sum(axis=1))
    assert [score.num_images for score in scores] == list(np.bincount(labels))


def test_a_class_without_test_images_has_its_row_and_column_all_the_same() -> None:
    assert confusion(np.array([0, 0, 2]), np.array([0, 2, 2]), 4).tolist() == [
        [1, 0, 1, 0],
        [0, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
    ]


def test_a_class_that_is_never_predicted_scores_zero_without_a_warning() -> None:
    scores = class_scores(
        np.array([0, 0, 1]), np.array([0, 0, 0]), ("cat", "dog", "absent"), Dependence(copies=np.arange(3))
    )
    assert [(score.name, score.precision, score.recall, score.num_images) for score in scores] == [
        ("cat", pytest.approx(2 / 3), 1.0, 2),
        ("dog", 0.0, 0.0, 1),
        ("absent", 0.0, 0.0, 0),
    ]
    assert balanced_accuracy(scores) == 0.5


def test_copies_within_a_class_count_once_for_that_class_and_for_no_other() -> None:
    labels, copies = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 2, 3])
    scores = class_scores(labels, labels, ("a", "b", "c"), Dependence(copies=copies))
    assert [score.num_independent for score in scores] == [1.0, 2.0, 1.0]


def test_what_cross_validation_found_stands_beside_its_own_class_and_nothing_where_it_had_none() -> None:
    labels = np.array([0, 0, 0, 0, 2])
    scores = class_scores(labels, labels, ("a", "b", "c", "d"), Dependence(copies=np.arange(5)))
    found = with_cross_validated(scores, np.array([2, 0, 0, 0, 0]), np.array([True, True, True, True, False]))
    assert [(score.cross_validated, score.num_cross_validated) for score in found] == [
        (0.75, 4),
        (None, 0),
        (1.0, 1),
        (None, 0),
    ]
    assert [score.recall for score in found] == [score.recall for score in scores]


def test_the_interval_holds_for_new_sites_where_photographs_of_one_site_are_right_or_wrong_together() -> None:
    generator, accuracy, correlation, num_sites, of_each = np.random.default_rng(0), 0.8, 0.3, 60, 15
    odds = (1 - correlation) / correlation
    sites, is_tested = np.repeat(np.arange(num_sites), of_each), np.repeat(np.arange(num_sites) < 9, of_each)
    counted, alone = 0, 0
    for _ in range(200):
        right = generator.random(len(sites)) < generator.beta(accuracy * odds, (1 - accuracy) * odds, num_sites)[sites]
        tested, copies = right[is_tested].mean(), np.arange(is_tested.sum())
        given = Dependence(copies=copies, given=sites[is_tested], correlation=correlation_within(right, sites))
        for num, holds in ((given.num_independent, True), (float(len(copies)), False)):
            low, high = wilson_interval(tested * num, num)
            counted += holds and low <= accuracy <= high
            alone += not holds and low <= accuracy <= high
    assert counted / 200 > 0.9
    assert alone / 200 < 0.75  # else this test shows nothing


def test_images_that_are_always_right_together_count_as_one_and_those_that_are_not_count_each() -> None:
    sites, copies = np.repeat(np.arange(10), 6), np.repeat(np.arange(30), 2)
    sizes = [Dependence(copies=copies, given=sites, correlation=each).num_independent for each in (0.0, 0.5, 1.0)]
    assert sizes == pytest.approx([30.0, 15.0, 10.0])
    assert Dependence(copies=copies).num_independent == 30.0
    assert Dependence(copies=copies[:0], given=sites[:0]).num_independent == 0.0


@pytest.mark.parametrize(
    ("right", "groups", "expected"),
    [
        ([True, True, False, False], [0, 0, 1, 1], 1.0),
        ([True, False, True, False], [0, 0, 1, 1], 0.0),
        ([True, True, True, True], [0, 0, 1, 1], 0.0),
        ([True, False, True, True], [0, 0, 0, 0], 1.0),
        ([True, False], [0, 1], 0.0),
    ],
)
def test_how_much_is_right_or_wrong_together_is_told_from_groups_that_differ(right, groups, expected) -> None:
    assert correlation_within(np.array(right), np.array(groups)) == expected


def test_how_much_goes_together_in_groups_of_unlike_sizes_is_that_of_an_analysis_of_variance() -> None:
    # three of three, one of two, one of four are right: mean squares of 35/72 between, 5/24 within
    right = np.array([True] * 3 + [True, False] + [False] * 3 + [True])
    groups = np.array([0] * 3 + [1] * 2 + [2] * 4)
    assert correlation_within(right, groups) == pytest.approx(6 / 19)


def test_temperature_of_over_confident_logits_is_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 5))
    labels = np.array([rng.choice(5, p=row) for row in probabilities(logits)])
    assert fit_temperature(3 * logits, labels) == pytest.approx(3.0, rel=0.05)


def test_temperature_of_a_faultless_validation_split_stays_sober() -> None:
    labels = np.arange(40) % 4
    confidence = probabilities(8.0 * np.eye(4)[labels], fit_temperature(8.0 * np.eye(4)[labels], labels)).max(axis=1)
    assert confidence == pytest.approx(np.full(40, 41 / 42), abs=1e-4)


def test_calibration_error_of_known_bins() -> None:
    confidence = np.array([0.95] * 10 + [0.55] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.05)


def test_calibration_error_is_the_average_gap_over_fifteen_bins() -> None:
    rng = np.random.default_rng(2)
    confidence = np.append(rng.uniform(0.2, 1.0, 499), 1.0)
    correct = rng.random(500) < np.where(confidence < 0.6, confidence**0.5, confidence**2)  # less sure, then too sure
    gap = 0.0
    for low in range(15):
        inside = (confidence >= low / 15) & ((confidence < (low + 1) / 15) | (low == 14))
        if inside.any():
            gap += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    assert expected_calibration_error(confidence, correct) == pytest.approx(gap)


def test_probabilities_of_a_network_in_half_precision_still_add_up() -> None:
    logits = np.random.default_rng(3).normal(0, 3, (50, 200)).astype(np.float16)
    assert probabilities(logits, 1.7).sum(axis=1) == pytest.approx(np.ones(50), abs=1e-12)


def test_scaling_lowers_the_calibration_error() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(5_000, 3))
    labels = np.array([rng.choice(3, p=row) for row in probabilities(logits)])
    sharp = 4 * logits
    correct = sharp.argmax(axis=1) == labels
    temperature = fit_temperature(sharp, labels)
    before, after = (
        expected_calibration_error(probabilities(sharp, value).max(axis=1), correct) for value in (1.0, temperature)
    )
    assert before > 0.2
    assert after < 0.03
