"""A head fitted to its end, against scikit-learn and cases whose answer is known."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from services.trainer.fitting.convex import ConvexData, fit_convex
from services.trainer.fitting.folds import deal_folds
from services.trainer.fitting.logistic import Problem, solve, solve_all
from services.trainer.fitting.principal import MOST_COMPONENTS, principal_of, sought
from services.trainer.zoo.head import FEATURES, Reading

ALL = Reading(num_levels=2)


def material(num_images=120, *, num_classes=3, width=40, noise=1.0, seed=0, early=False) -> ConvexData:
    """Classes along directions of their own; with ``early``, told by the first half of the inputs only."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num_images, dtype=np.int32) % num_classes
    telling = 4 * np.eye(num_classes, width // 2)[labels]
    blind = np.zeros_like(telling)
    inputs = np.hstack([telling, blind] if early else [blind, telling])
    inputs = (inputs + generator.normal(0, noise, inputs.shape)).astype(np.float32)
    return ConvexData(
        inputs=lambda reading: inputs if reading.num_levels > 1 else inputs[:, width // 2 :],
        labels=labels,
        groups=np.arange(num_images),
        rows=np.arange(num_images),
        num_classes=num_classes,
        seed=0,
    )


@pytest.mark.parametrize("num_images", [30, 300])
def test_the_solution_is_that_of_scikit_learn_however_many_images_there_are(num_images):
    data = material(num_images, noise=2.0)
    principal = principal_of(data.inputs(ALL), data.rows)
    weights = np.ones(num_images)
    problem = Problem(coordinates=principal.coordinates, labels=data.labels, weights=weights, num_classes=3)
    strength = 0.01

    found = solve(problem, strength)

    reference = LogisticRegression(C=1 / (strength * num_images), max_iter=5000, tol=1e-8)
    reference.fit(principal.coordinates, data.labels)
    expected = reference.predict_proba(principal.coordinates)
    scores = np.exp(found.logits(principal.coordinates))
    np.testing.assert_allclose(scores / scores.sum(axis=1, keepdims=True), expected, atol=2e-3)


def test_where_the_solution_is_sought_from_does_not_change_it():
    data = material(noise=2.0)
    principal = principal_of(data.inputs(ALL), data.rows)
    problem = Problem(coordinates=principal.coordinates, labels=data.labels, weights=np.ones(120), num_classes=3)
    cold = solve(problem, 1e-3)
    warm = solve(problem, 1e-3, solve(problem, 1e-1))
    np.testing.assert_allclose(
        warm.logits(principal.coordinates), cold.logits(principal.coordinates), atol=0.02, rtol=0.01
    )


def test_a_head_does_for_inputs_as_they_are_what_it_did_for_their_components():
    data = material()
    inputs = 50 + 10 * data.inputs(ALL)
    principal = principal_of(inputs, data.rows)
    problem = Problem(coordinates=principal.coordinates, labels=data.labels, weights=np.ones(120), num_classes=3)
    solution = solve(problem, 0.01)
    head = principal.head_of(solution.kernel, solution.bias)
    np.testing.assert_allclose(head.logits(inputs), solution.logits(principal.coordinates), atol=1e-3)


def test_of_very_many_images_the_components_that_vary_most_are_kept():
    data = material(noise=2.0)
    whole = principal_of(data.inputs(ALL), data.rows)
    found = principal_of(data.inputs(ALL), data.rows, most=7)
    assert found.coordinates.shape == (120, 7)
    np.testing.assert_allclose(np.abs(found.coordinates), np.abs(whole.coordinates[:, :7]), atol=1e-4)


def test_most_of_the_components_are_not_sought_one_by_one():
    assert sought(2125, MOST_COMPONENTS) is None
    assert sought(6000, MOST_COMPONENTS) == (4000, 5999)


def test_problems_that_are_solved_side_by_side_have_the_solutions_of_one_after_the_other():
    data = material(noise=2.0)
    coordinates = principal_of(data.inputs(ALL), data.rows).coordinates
    whole = Problem(coordinates=coordinates, labels=data.labels, weights=np.ones(120), num_classes=3)
    parts = [np.arange(120) % 3 != part for part in range(3)]

    found = solve_all(whole, parts, 1e-3, [None] * 3, num_threads=2)

    for part, solution in zip(parts, found, strict=True):
        np.testing.assert_array_equal(solution.kernel, solve(whole.of(part), 1e-3).kernel)


def test_a_head_on_more_inputs_than_images_does_for_them_what_it_did_for_their_components():
    data = material(30, width=200)
    inputs = 50 + 10 * data.inputs(ALL)
    found = principal_of(inputs, data.rows)
    problem = Problem(coordinates=found.coordinates, labels=data.labels, weights=np.ones(30), num_classes=3)
    solution = solve(problem, 0.01)
    head = found.head_of(solution.kernel, solution.bias)
    np.testing.assert_allclose(head.logits(inputs), solution.logits(found.coordinates), atol=2e-3)


def test_all_levels_are_read_where_the_last_does_not_tell_the_classes_apart():
    fit = fit_convex(material(early=True), [FEATURES, ALL])
    assert fit.head.reading == ALL
    assert fit.judged.accuracy > 0.9
    assert fit.head.kernel.shape == (40, 3)


def test_the_last_level_alone_is_read_where_the_others_add_nothing():
    fit = fit_convex(material(early=False), [FEATURES, ALL])
    assert fit.head.reading == FEATURES
    assert fit.head.kernel.shape == (20, 3)


def test_what_is_said_of_a_head_holds_on_images_that_nobody_saw():
    fit = fit_convex(material(600, noise=2.5), [FEATURES])
    fresh = material(3000, noise=2.5, seed=1)
    scores = fit.head.logits(fresh.inputs(FEATURES))
    accuracy = (scores.argmax(axis=1) == fresh.labels).mean()
    assert accuracy == pytest.approx(fit.judged.accuracy, abs=3 * fit.judged.accuracy_error)
    assert fit.judged.num_folds == 5
    assert fit.judged.accuracy == fit.out_of_fold.right.mean()
    assert [step.strength for step in fit.judged.path] == sorted((s.strength for s in fit.judged.path), reverse=True)


def test_noise_is_not_learnt_by_heart_and_the_temperature_says_so():
    data = material(90, noise=1.0)
    shuffled = np.random.default_rng(1).permutation(data.labels)
    fit = fit_convex(ConvexData(**{**_fields(data), "labels": shuffled}), [ALL])
    assert fit.judged.accuracy < 0.6
    assert fit.judged.log_loss < 1.3  # of pure guessing among three: 1.10


def test_told_to_stop_it_still_leaves_a_head():
    fit = fit_convex(material(), [FEATURES, ALL], goes_on=lambda: False)
    assert len(fit.judged.path) == 1
    assert fit.judged.accuracy > 0.9


def test_copies_never_stand_on_both_sides_of_a_fold():
    labels = np.repeat(np.arange(3, dtype=np.int32), 40)
    groups = np.repeat(np.arange(30), 4)
    folds = deal_folds(labels, groups, seed=0)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in groups)
    assert np.bincount(folds).tolist() == [24] * 5 or max(np.bincount(folds)) - min(np.bincount(folds)) <= 8


def test_a_class_of_copies_of_one_picture_is_learnt_from_whichever_fold_is_held_out():
    labels, groups = np.repeat([0, 1, 2], [10, 20, 20]).astype(np.int32), np.arange(50)
    groups[:10] = 29  # all of the first class goes with one of the second
    folds = deal_folds(labels, groups, seed=0)
    assert [np.bincount(folds[labels == label]).tolist() for label in range(3)] == [[2] * 5, [4] * 5, [4] * 5]


def test_folds_of_groups_of_many_sizes_are_filled_evenly_and_the_seed_deals_them():
    groups = np.repeat(np.arange(12), [8, 7, 6, 5, 5, 5, 4, 4, 2, 2, 1, 1])
    labels = np.zeros(len(groups), np.int32)
    folds = deal_folds(labels, groups, seed=3)
    assert np.bincount(folds).tolist() == [10] * 5
    assert deal_folds(labels, groups, seed=3).tolist() == folds.tolist()
    alone = np.arange(len(labels))
    assert deal_folds(labels, alone, seed=3).tolist() == deal_folds(labels, alone, seed=3).tolist()
    assert deal_folds(labels, alone, seed=3).tolist() != deal_folds(labels, alone, seed=4).tolist()


@pytest.mark.parametrize("sizes", [(4, 60, 60), (4,) * 200, (2, 2), (6, 600)])
def test_every_class_is_learnt_from_whichever_fold_is_held_out(sizes):
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    folds = deal_folds(labels, np.arange(len(labels)), seed=0)
    for fold in range(5):
        assert set(labels[folds != fold]) == set(labels)
    counts = np.bincount(folds, minlength=5)
    assert counts.max() - counts.min() <= 1 or len(labels) < 10


@pytest.mark.parametrize("seed", range(10))
def test_a_rare_class_of_two_sites_is_learnt_from_whichever_fold_is_held_out(seed):
    generator = np.random.default_rng(seed)
    sites, labels = np.arange(600) % 12, np.zeros(600, np.int32)
    for label in range(1, 5):
        for site in generator.choice(12, 2, replace=False):
            labels[np.flatnonzero((sites == site) & (labels == 0))[:6]] = label
    order = np.argsort(labels, kind="stable")
    labels, sites = labels[order], sites[order]
    folds = deal_folds(labels, sites, seed=seed)
    assert all(len(np.unique(folds[sites == site])) == 1 for site in range(12))
    for fold in range(5):
        assert set(labels[folds != fold]) == set(labels)


@pytest.mark.parametrize("sizes", [(4, 60, 60), (4,) * 50, (2, 2), (6, 600)])
def test_rare_classes_and_many_classes_are_fitted_too(sizes):
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    generator = np.random.default_rng(0)
    inputs = (3 * np.eye(len(sizes))[labels] + generator.normal(0, 0.3, (len(labels), len(sizes)))).astype(np.float32)
    data = ConvexData(
        inputs=lambda _: inputs,
        labels=labels,
        groups=np.arange(len(labels)),
        rows=np.arange(len(labels)),
        num_classes=len(sizes),
        seed=0,
    )
    fit = fit_convex(data, [FEATURES])
    assert (fit.head.logits(inputs).argmax(axis=1) == labels).mean() > 0.9
    assert np.isfinite(fit.head.kernel).all()


def test_inputs_that_never_change_say_nothing_and_break_nothing():
    data = material()
    constant = np.full((120, 20), 7.0, np.float32)
    fit = fit_convex(ConvexData(**{**_fields(data), "inputs": lambda _: constant}), [FEATURES])
    assert np.isfinite(fit.head.kernel).all()
    assert np.isfinite(fit.head.bias).all()
    assert fit.judged.accuracy < 0.5


def _fields(data: ConvexData) -> dict[str, object]:
    return {name: getattr(data, name) for name in ConvexData.__dataclass_fields__}


@pytest.mark.parametrize(
    "sizes",
    [(5, 40, 40), (2, 2, 2), (3, 300), (6,) * 40],
    ids=["a class of 5", "two in a fold", "1 : 100", "many small"],
)
def test_a_head_comes_of_few_images_of_small_classes_and_of_very_unequal_ones(sizes):
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    generator = np.random.default_rng(0)
    inputs = 3 * np.eye(len(sizes), max(16, len(sizes)))[labels] + generator.normal(
        0, 1, (len(labels), max(16, len(sizes)))
    )
    data = ConvexData(
        inputs=lambda _: inputs.astype(np.float32),
        labels=labels,
        groups=np.arange(len(labels)),
        rows=np.arange(len(labels)),
        num_classes=len(sizes),
        seed=0,
    )
    fit = fit_convex(data, [FEATURES])
    assert np.isfinite(fit.head.kernel).all()
    assert fit.out_of_fold.logits.shape == (len(labels), len(sizes))
    assert fit.out_of_fold.tried is not None
    if min(sizes) > 2:
        recalls = [fit.out_of_fold.right[labels == label].mean() for label in range(len(sizes))]
        assert min(recalls[0], np.mean(recalls)) > 0.3, "the rare class is read too"


def test_of_two_readings_that_cost_the_same_the_one_of_the_lower_log_loss_is_taken():
    fit = fit_convex(material(150, early=True, noise=3.0), [FEATURES, ALL])
    assert fit.head.reading == ALL
    assert len(fit.out_of_fold.tried.right) > len(fit.judged.path)
