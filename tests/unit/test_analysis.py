"""What answers and features say beyond the accuracy: misfiled photographs, thresholds, strangers, learning curves."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from services.trainer.analysis.certainty import (
    TARGETS,
    answer_sets,
    coverage_at,
    coverage_curve,
    recommend,
    reliability,
)
from services.trainer.analysis.growth import MOST_WORK, GrowthData, _growth, is_affordable, learning_curve, steepness
from services.trainer.analysis.nearest import MOST_QUERIES, find_nearest, tell_strangers
from services.trainer.analysis.suspects import FEW, doubt_order, find_suspects, num_likely
from services.trainer.data.dataset import LearningSet, Split
from services.trainer.export.bundle.tables import suspect_table
from services.trainer.fitting.folds import deal_folds
from services.trainer.fitting.logistic import Problem, solve
from services.trainer.fitting.temperature import fit_temperature, probabilities
from shared.interval import wilson_interval

CLASSES = ("ant", "bee", "cow", "dog")
PER_CLASS = 60
STRENGTH = 3e-3
NUM_SWAPPED = 12


def features(seed: int = 0, spread: float = 1.0):
    """Return clusters, one for each class, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), PER_CLASS).astype(np.int32)
    centres = rng.normal(0, 1.0, (len(CLASSES), 20))
    values = centres[labels] + rng.normal(0, spread, (len(labels), 20))
    values -= values.mean(axis=0)
    return values / np.sqrt(np.square(values).sum(axis=1).mean()), labels


def problem_of(values, labels) -> Problem:
    return Problem(coordinates=values, labels=labels, weights=np.ones(len(labels)), num_classes=len(CLASSES))


def out_of_fold(values, labels):
    problem, folds = problem_of(values, labels), deal_folds(labels, np.arange(len(labels)), seed=0)
    logits = np.zeros((len(labels), len(CLASSES)))
    for fold in range(folds.max() + 1):
        logits[folds == fold] = solve(problem.of(folds != fold), STRENGTH).logits(values[folds == fold])
    return probabilities(logits, fit_temperature(logits, labels))


def swapped(labels, seed: int = 1):
    rng = np.random.default_rng(seed)
    at = rng.choice(len(labels), NUM_SWAPPED, replace=False)
    wrong = labels.copy()
    wrong[at] = (labels[at] + rng.integers(1, len(CLASSES), NUM_SWAPPED)) % len(CLASSES)
    return wrong, at


def learning_set(labels, groups=None) -> LearningSet:
    none = np.zeros(0, np.int64)
    return LearningSet(
        facts={},
        directory=Path(),
        classes=CLASSES,
        labels=labels,
        groups=np.arange(len(labels)) if groups is None else groups,
        paths=tuple(f"{CLASSES[label]}/{row}.jpg" for row, label in enumerate(labels)),
        split=Split(train=np.arange(len(labels)), validation=none, test=none),
        sizes_px=(),
    )


# Perhaps misfiled.


@pytest.mark.parametrize("seed", range(3))
def test_photographs_in_the_wrong_folder_come_first(seed: int) -> None:
    values, labels = features(seed)
    wrong, at = swapped(labels, seed)
    order = doubt_order(out_of_fold(values, wrong), wrong)
    tenth = order[: len(labels) // 10]
    assert np.isin(tenth, at).sum() >= 0.7 * NUM_SWAPPED
    assert np.isin(order[:NUM_SWAPPED], at).mean() >= 0.5


@pytest.mark.parametrize("spread", [0.8, 1.2, 1.6])
def test_where_nothing_is_misfiled_nothing_stands_out_however_hard_the_classes_are(spread: float) -> None:
    values, labels = features(5, spread)
    given = out_of_fold(values, labels)
    suspects, rows = find_suspects(learning_set(labels), np.arange(len(labels)), labels, given)
    assert suspects.num_likely == 0
    assert len(suspects.listed) == len(rows) <= FEW


def test_what_stands_out_is_named_with_its_folder_and_what_it_looks_like() -> None:
    values, labels = features(0)
    wrong, at = swapped(labels)
    given = out_of_fold(values, wrong)
    suspects, rows = find_suspects(learning_set(wrong), np.arange(len(labels)), wrong, given)
    assert suspects.num_likely == min(num_likely(given, wrong), len(rows)) > NUM_SWAPPED / 3
    first, row = suspects.listed[0], rows[0]
    assert row in at
    assert (first.path, first.filed_as) == (f"{CLASSES[wrong[row]]}/{row}.jpg", CLASSES[wrong[row]])
    assert first.looks_like == CLASSES[labels[row]]
    assert first.probability > 0.5 > first.filed_probability
    lines = suspect_table(suspects).splitlines()
    assert lines[0].startswith("path,filed as,looks like")
    assert lines[1].endswith("likely")
    assert len(lines) == 1 + len(suspects.listed)


def test_so_many_are_likely_as_outnumber_what_chance_would_bring_by_half() -> None:
    rng = np.random.default_rng(4)
    given = rng.dirichlet([0.3, 0.2, 0.1], 60)
    given[:40] = rng.dirichlet([8.0, 0.3, 0.2], 40)
    labels = np.where(np.arange(60) < 40, 0, given.argmax(axis=1))
    labels[[41, 44, 50, 55]] = given[[41, 44, 50, 55]].argmin(axis=1)
    own = np.sort(given[np.arange(60), labels])
    by_chance = np.array([given[given <= each].sum() for each in own])
    enough = [count for count in range(1, 61) if (by_chance[count - 1] + 0.5) / count <= 0.5]
    assert num_likely(given, labels) == max(enough, default=0) > 0
    assert num_likely(np.full((60, 3), 1 / 3), np.zeros(60, int)) == 0


def test_a_tenth_is_listed_where_any_is_likely_but_none_that_looks_like_what_it_is_filed_as() -> None:
    values, labels = features(0)
    wrong, _ = swapped(labels)
    given = out_of_fold(values, wrong)
    likely = num_likely(given, wrong)
    assert 0 < likely < len(labels) / 10
    doubtful = doubt_order(given, wrong)[: len(labels) // 10]
    suspects, rows = find_suspects(learning_set(wrong), np.arange(len(labels)), wrong, given)
    assert rows.tolist() == [row for row in doubtful if given[row].argmax() != wrong[row]]
    assert suspects.num_examined == len(labels)


def test_near_copies_in_two_classes_are_named_and_those_in_one_are_not() -> None:
    values, labels = features()
    groups = np.arange(len(labels))
    groups[[0, PER_CLASS]] = 1000  # an ant and a bee
    groups[[1, 2]] = 1001  # two ants
    suspects, _ = find_suspects(
        learning_set(labels, groups), np.arange(len(labels)), labels, out_of_fold(values, labels)
    )
    assert [twins.classes for twins in suspects.twins] == [("ant", "bee")]
    assert suspects.num_twins == 1
    assert "near-copies" in suspect_table(suspects)


def test_without_answers_the_table_of_suspects_has_its_head_alone() -> None:
    assert len(suspect_table(None).splitlines()) == 1


# How sure it must be.


def answers(num_images: int = 2000, seed: int = 0):
    """Return confidence that is true: who says 80 % is right 80 % of the time."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.4, 1.0, num_images)
    return confidence, rng.random(num_images) < confidence


def test_the_threshold_is_the_lowest_above_which_answers_are_surely_right() -> None:
    confidence, right = answers()
    threshold, target = recommend(confidence, right)
    assert threshold is not None
    assert coverage_at(threshold, confidence, right).interval[0] >= target
    assert coverage_at(threshold - 0.01, confidence, right).interval[0] < 0.95
    assert any(each.threshold == threshold for each in coverage_curve(confidence, right, and_at=threshold))


def test_who_is_nearly_always_right_needs_no_threshold_and_who_guesses_has_none() -> None:
    confidence, _ = answers()
    assert recommend(confidence, np.ones(len(confidence), bool)) == (0.0, 0.95)
    assert recommend(confidence, np.random.default_rng(1).random(len(confidence)) < 0.3)[0] is None


def test_coverage_is_how_many_are_answered_and_how_many_of_these_are_right() -> None:
    confidence, right = np.array([0.5, 0.6, 0.6, 0.9]), np.array([True, False, True, True])
    at = coverage_at(0.6, confidence, right)
    assert (at.threshold, at.answered, at.right) == (0.6, 0.75, pytest.approx(2 / 3))
    assert at.interval == wilson_interval(2, 3)
    assert coverage_at(0.6, confidence, right, weight=0.5).interval == wilson_interval(1, 1.5)
    none = coverage_at(0.95, confidence, right)
    assert (none.answered, none.right) == (0.0, 1.0)
    assert coverage_at(0.5, confidence[:0], right[:0]).answered == 0.0
    curve = coverage_curve(confidence, right, weight=0.5, and_at=0.61)
    assert [each for each in curve if each.threshold == 0.61] == [coverage_at(0.61, confidence, right, weight=0.5)]
    assert all(one.threshold < other.threshold for one, other in pairwise(curve))


def test_what_is_asked_for_without_a_threshold_is_the_lowest_share_and_few_answers_help_nobody() -> None:
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.3, 1.0, 400)
    assert recommend(confidence, np.zeros(400, bool)) == (None, TARGETS[-1])
    sure = confidence > 0.95  # a fourteenth of all
    assert recommend(confidence, sure) == (None, TARGETS[-1])
    assert recommend(np.repeat(confidence, 10), np.ones(4000, bool), weight=0.001)[0] is None, "four count"


def test_a_whole_image_is_what_counts_where_nothing_is_said_of_copies() -> None:
    confidence, right = np.full(4, 0.9), np.arange(4) < 2
    half = pytest.approx((0.15004, 0.84996), abs=1e-4)
    assert coverage_at(0.5, confidence, right).interval == half
    assert coverage_curve(confidence, right)[0].interval == half
    assert reliability(confidence, right)[0].interval == half
    assert coverage_at(0.5, confidence[:1], right[:1]).answered == 1


def test_the_recommended_threshold_is_a_point_of_the_curve_and_without_one_the_curve_is_the_same_for_all() -> None:
    confidence, right = answers(50)
    plain = [each.threshold for each in coverage_curve(confidence, right)]
    assert plain == sorted({0, *(share / 100 for share in range(30, 100, 5)), 0.97, 0.99})
    assert [each.threshold for each in coverage_curve(confidence, right, and_at=0.72)] == sorted([*plain, 0.72])


@pytest.mark.parametrize(("num_wrong", "recommended"), [(320, (0.51, 0.95)), (321, (None, 0.9))])
def test_a_threshold_is_recommended_while_a_fifth_is_answered(num_wrong: int, recommended: object) -> None:
    confidence = np.repeat([0.9, 0.5], [80, num_wrong])
    assert recommend(confidence, confidence == 0.9) == recommended


def test_copies_make_no_threshold_reliable() -> None:
    confidence, right = np.full(80, 0.9), np.ones(80, bool)  # all of 80 right: 95 %; of 40: 91 %; of 20: 84 %
    found = [recommend(confidence, right, weight) for weight in (1.0, 0.5, 0.25)]
    assert found == [(0.0, 0.95), (0.0, 0.9), (None, 0.9)]


def test_copies_make_nobody_surer() -> None:
    confidence, right = answers(300)
    alone, copied = coverage_at(0.8, confidence, right), coverage_at(0.8, confidence, right, weight=0.1)
    assert copied.right == alone.right
    assert copied.interval[0] < alone.interval[0]


def test_answer_sets_hold_the_right_class_as_often_as_promised_whatever_the_network_is_worth() -> None:
    covered = []
    for seed in range(40):
        values, labels = features(seed, spread=2.5)
        rng = np.random.default_rng(seed)
        given = probabilities(solve(problem_of(values, labels), 0.3).logits(values) * 5)  # far too sure of itself
        test = rng.permutation(len(labels))
        known, new = test[:80], test[80:]
        sets = answer_sets((given[known], labels[known], known), (given[new], labels[new]))
        assert sets is not None
        covered.append(sets.covered)
        assert 1 <= sets.mean_size <= len(CLASSES)
    assert np.mean(covered) >= 0.89


def test_from_which_probability_on_a_class_belongs_to_the_answer_by_hand() -> None:
    """Of 19 photographs 18 of 20 parts have to be inside: all but the least sure one."""
    sure = np.arange(1, 20) / 20
    given, labels = np.stack([sure, 1 - sure], axis=1), np.zeros(19, np.int64)
    others = np.array([[0.1, 0.9], [0.05, 0.95], [0.6, 0.4]]), np.array([0, 0, 1])
    sets = answer_sets((given, labels, np.arange(19)), others)
    assert sets is not None
    assert (sets.level, sets.least_probability) == (0.9, 0.1)
    assert (sets.mean_size, sets.covered) == pytest.approx((5 / 3, 2 / 3))
    enough = answer_sets((given[:9], labels[:9], np.arange(9)), others)
    assert enough is not None
    assert enough.least_probability == 0.05
    assert answer_sets((given[:8], labels[:8], np.arange(8)), others) is None


def test_a_test_that_is_too_small_promises_nothing() -> None:
    given = np.full((5, 2), 0.5)
    labels = np.zeros(5, np.int64)
    assert answer_sets((given, labels, np.arange(5)), (given, labels)) is None
    given = np.full((100, 2), 0.5)
    labels, groups = np.zeros(100, np.int64), np.repeat(np.arange(5), 20)  # a hundred copies of five pictures
    assert answer_sets((given, labels, groups), (given, labels)) is None


def test_stated_and_true_probabilities_agree_within_their_intervals_where_confidence_is_true() -> None:
    bins = reliability(*answers())
    assert sum(each.num_images for each in bins) == 2000
    assert sum(each.interval[0] <= each.stated <= each.interval[1] for each in bins) >= 0.8 * len(bins)
    assert [each.stated for each in bins] == sorted(each.stated for each in bins)
    confidence, right = np.linspace(0.4, 0.9, 24), np.arange(24) % 3 > 0
    low, high = reliability(confidence, right, weight=0.5)
    assert (low.num_images, high.num_images) == (12, 12)
    assert (low.stated, high.right) == pytest.approx((confidence[:12].mean(), 8 / 12))
    assert high.interval == wilson_interval(4, 6)
    assert len(reliability(confidence[:13], right[:13])) == 1
    assert reliability(confidence[:0], right[:0]) == ()


@pytest.mark.parametrize(("num_images", "num_bins"), [(1, 1), (23, 1), (24, 2), (119, 9), (120, 10), (1000, 10)])
def test_no_bin_rests_on_a_handful_of_photographs(num_images: int, num_bins: int) -> None:
    bins = reliability(np.linspace(0.3, 0.9, num_images), np.ones(num_images, bool))
    assert len(bins) == num_bins
    assert sum(each.num_images for each in bins) == num_images


def test_photographs_that_are_stated_alike_lie_in_the_same_bins_on_every_machine() -> None:
    confidence, right = np.tile([0.9, 0.5], 600), np.arange(1200) < 600
    assert [each.right for each in reliability(confidence, right)] == [1, 1, 0.5, 0, 0] * 2


# The nearest photographs.


def test_the_nearest_photographs_vote_and_copies_do_not() -> None:
    values, labels = features(spread=0.3)
    groups = np.arange(len(labels))
    twice = np.concatenate([values, values[:1]])
    labels_of_both = np.concatenate([labels, [3]])  # a copy of an ant is filed as a dog
    found = find_nearest(twice, labels_of_both, np.concatenate([groups, [0]]), num_classes=len(CLASSES), seed=0)
    assert (found.voted[:-1] == labels).mean() > 0.95
    assert found.voted[0] == labels[0]


def test_the_five_nearest_are_those_of_greatest_cosine_that_are_no_copies() -> None:
    rng = np.random.default_rng(7)
    values, labels = rng.normal(size=(40, 6)), rng.integers(0, 3, 40)
    groups = np.arange(40) // 2  # copies in pairs
    found = find_nearest(values, labels, groups, num_classes=3, seed=0)
    units = values / np.linalg.norm(values, axis=1, keepdims=True)
    for row in range(40):
        alike = units @ units[row]
        others = [at for at in np.argsort(-alike) if groups[at] != groups[row]]
        foreign = [at for at in others if labels[at] != labels[row]]
        votes = np.bincount(labels[others[:5]], weights=1 + 1e-3 * alike[others[:5]], minlength=3)
        assert found.voted[row] == votes.argmax()
        assert found.own_distance[row] == pytest.approx(1 - alike[others[:5]].mean(), abs=1e-6)
        assert found.other_distance[row] == pytest.approx(1 - alike[foreign[:5]].mean(), abs=1e-6)


def test_of_very_many_photographs_two_thousand_are_asked_about_the_same_for_the_same_seed() -> None:
    values = np.random.default_rng(0).normal(size=(MOST_QUERIES + 50, 3))
    labels = np.arange(len(values)) % 2
    first, again, other = (
        find_nearest(values, labels, np.arange(len(values)), num_classes=2, seed=seed).asked.tolist()
        for seed in (1, 1, 2)
    )
    assert len(set(first)) == MOST_QUERIES
    assert first == again == sorted(first)
    assert first != other
    few = find_nearest(values[:MOST_QUERIES], labels[:MOST_QUERIES], np.arange(MOST_QUERIES), num_classes=2, seed=1)
    assert few.asked.tolist() == list(range(MOST_QUERIES))


def test_strangers_lie_farther_away_and_the_class_most_like_others_is_told_worst() -> None:
    values, labels = features(2, spread=0.5)
    apart = find_nearest(values, labels, np.arange(len(labels)), num_classes=len(CLASSES), seed=0)
    assert tell_strangers(apart, labels, CLASSES).auroc > 0.95
    bees = np.flatnonzero(labels == 1)
    values[bees] = values[bees] * 0.15 + values[labels == 0].mean(axis=0)  # bees among the ants
    found = find_nearest(values, labels, np.arange(len(labels)), num_classes=len(CLASSES), seed=0)
    strangers = tell_strangers(found, labels, CLASSES)
    assert strangers is not None
    assert strangers.hardest in {"ant", "bee"}
    assert strangers.hardest_auroc < strangers.auroc < 0.95


def test_of_two_classes_nothing_is_said_of_strangers() -> None:
    values, labels = features()
    two = labels < 2
    found = find_nearest(values[two], labels[two], np.arange(two.sum()), num_classes=2, seed=0)
    assert tell_strangers(found, labels[two], CLASSES[:2]) is None


# What more would bring.


def growth_data(values, labels, **changes) -> GrowthData:
    given = out_of_fold(values, labels)
    told = {
        "problem": problem_of(values, labels),
        "groups": np.arange(len(labels)),
        "strength": STRENGTH,
        "right": given.argmax(axis=1) == labels,
        "taken_for": given.argmax(axis=1),
        "classes": CLASSES,
        "seed": 0,
    }
    return GrowthData(**{**told, **changes})


def test_the_curve_rises_and_twice_as_many_are_expected_to_bring_more() -> None:
    growth = learning_curve(growth_data(*features(3, spread=1.6)))
    assert growth is not None
    assert [point.num_images for point in growth.points] == [48, 96, 192]
    assert growth.points[0].accuracy < growth.points[-1].accuracy < growth.doubled.accuracy < 1
    assert all(point.interval[0] <= point.accuracy <= point.interval[1] for point in growth.points)
    assert [each.found for each in growth.classes] == sorted(each.found for each in growth.classes)
    worst = growth.classes[0]
    assert worst.taken_for not in {"", worst.name}
    assert worst.found <= worst.found_doubled


def test_copies_make_the_curve_no_surer() -> None:
    values, labels = features(3, spread=1.6)
    alone = growth_data(values, labels)
    fivefold = replace(
        alone,
        problem=problem_of(np.repeat(values, 5, axis=0), np.repeat(labels, 5)),
        **{name: np.repeat(getattr(alone, name), 5) for name in ("groups", "right", "taken_for")},
    )
    single, copied = learning_curve(alone), learning_curve(fivefold)
    assert single is not None
    assert copied is not None
    assert copied.points[-1].interval == pytest.approx(single.points[-1].interval, abs=1e-9)


def test_errors_that_halve_with_four_times_as_many_have_an_exponent_of_one_half() -> None:
    assert steepness(np.array([100.0, 400.0]), np.array([0.4, 0.2])) == pytest.approx(0.5)
    assert steepness(np.array([100.0, 400.0]), np.array([0.2, 0.4])) == 0.0


def test_what_twice_as_many_bring_by_hand() -> None:
    """Errors of 0.4, 0.2 and 0.1 with 25, 100 and 400 photographs fall with the root; bees stay as they are."""
    labels = np.repeat([0, 1, 3], [60, 20, 20]).astype(np.int32)
    right = np.ones((3, 100), bool)
    for line, (num_ants, num_bees) in enumerate([(36, 4), (16, 4), (6, 4)]):
        right[line, :num_ants] = right[line, 60 : 60 + num_bees] = False
    taken_for = labels.astype(np.int64)
    taken_for[:6], taken_for[60:64] = (1, 1, 1, 1, 2, 2), (0, 2, 2, 2)
    data = growth_data(*features())
    problem = replace(data.problem, labels=labels)
    data = replace(data, problem=problem, groups=np.arange(100), right=right[2], taken_for=taken_for)
    growth = _growth(data, np.array([25.0, 100.0, 400.0]), right)
    assert [each.num_images for each in (*growth.points, growth.doubled)] == [25, 100, 400, 800]
    assert [each.accuracy for each in growth.points] == pytest.approx([0.6, 0.8, 0.9])
    assert growth.doubled.accuracy == pytest.approx(1 - 0.1 / math.sqrt(2))
    last, doubled = growth.points[-1].interval, growth.doubled.interval
    assert last[0] < doubled[0] < growth.doubled.accuracy < doubled[1] < 1
    assert doubled[1] - doubled[0] < last[1] - last[0]
    bee, ant, dog = growth.classes
    assert (bee.name, bee.num_images, bee.taken_for) == ("bee", 20, "cow")
    assert (bee.found, bee.found_doubled) == pytest.approx((0.8, 1 - 0.2 * 2**-0.25)), "half its own, half of the whole"
    assert (ant.name, ant.num_images, ant.taken_for) == ("ant", 60, "bee")
    assert ant.found == pytest.approx(0.9)
    assert (dog.name, dog.num_images, dog.taken_for, dog.found) == ("dog", 20, "", 1.0)


def test_no_curve_is_drawn_where_it_would_take_minutes_or_the_run_has_to_end() -> None:
    values, labels = features()
    assert learning_curve(growth_data(values, labels), lambda: False) is None
    wide = np.zeros((len(labels), int(MOST_WORK / len(labels) / len(CLASSES)) + 1))
    assert learning_curve(growth_data(values, labels, problem=problem_of(wide, labels))) is None
    # Known from the numbers alone, before components are sought, which takes seconds.
    assert is_affordable(510, 4128, 10)
    assert not is_affordable(2125, 4128, 10)
    assert is_affordable(10_000, 40, 50)
    assert not is_affordable(10_001, 40, 50)
    assert is_affordable(1000, 10**6, 20), "no more components than photographs"
    assert is_affordable(5000, 10**6, 2), "nor than are kept"
