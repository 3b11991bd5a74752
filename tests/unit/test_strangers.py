"""A photograph of something else is told by its distance to what the network learnt from, and own ones are let pass."""

import json
from dataclasses import replace

import numpy as np
import pytest

from services.trainer.strangers.learning import (
    KNOWN_TAKEN_FOR_STRANGERS,
    Photographs,
    learn_likeness,
    likeness_document,
)
from services.trainer.strangers.likeness import Likeness, read_likeness

WIDTH, CLASSES = 64, ("ant", "bee")
CENTRES = np.abs(np.random.default_rng(9).normal(0, 3, (3, WIDTH)))


def photographs_of(labels: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (len(labels), WIDTH))
    return (CENTRES[labels] + noise).astype(np.float32)


def known(num: int = 300) -> Photographs:
    labels = np.arange(num) % 2
    return Photographs(
        features=photographs_of(labels, 0), labels=labels, groups=np.arange(num), has_learnt_from=np.zeros(num, bool)
    )


def thrice(photographs: Photographs) -> Photographs:
    names = ("features", "labels", "groups", "has_learnt_from")
    return Photographs(**{name: np.repeat(getattr(photographs, name), 3, axis=0) for name in names})


def learnt(photographs: Photographs) -> Likeness:
    likeness = learn_likeness(photographs, seed=0)
    assert likeness is not None
    return likeness


def share_above(likeness: Likeness, features: np.ndarray) -> float:
    return float((np.array(likeness.distances(features)) > likeness.limit).mean())


def test_a_stranger_is_told_from_photographs_like_those_of_the_training() -> None:
    likeness = learnt(known())
    assert share_above(likeness, photographs_of(np.full(200, 2), 1)) > 0.95
    assert share_above(likeness, photographs_of(np.arange(2000) % 2, 2)) < 2 * KNOWN_TAKEN_FOR_STRANGERS


def test_what_is_read_from_the_file_tells_the_same() -> None:
    likeness = learnt(known())
    again = read_likeness(likeness_document(likeness, CLASSES), CLASSES)
    features = photographs_of(np.arange(9) % 3, 3)
    assert again.distances(features) == pytest.approx(likeness.distances(features), abs=1e-6)
    assert (again.limit, again.neighbours) == (likeness.limit, likeness.neighbours)


def test_from_a_handful_of_photographs_no_limit_is_guessed() -> None:
    assert learn_likeness(known(18), seed=0) is None


def test_the_least_number_of_photographs_that_a_limit_rests_on_is_one_in_which_it_is_the_largest_distance() -> None:
    """Of 19 and a further one, at most one in 20 may lie above: above all 19."""
    photographs = known(19)
    likeness = learnt(photographs)
    scaled = photographs.features / likeness.spread
    alike = (scaled / np.linalg.norm(scaled, axis=1, keepdims=True)) @ likeness.references.T
    np.fill_diagonal(alike, -np.inf)
    apart = 1 - np.sort(alike, axis=1)[:, -likeness.neighbours :].mean(axis=1)
    assert likeness.limit == pytest.approx(apart.max(), rel=1e-5)


@pytest.mark.parametrize(("per_class", "neighbours"), [(10, 5), (40, 5), (7, 3), (1, 1)])
def test_where_there_are_few_of_each_class_fewer_neighbours_count(per_class: int, neighbours: int) -> None:
    labels = np.arange(20 * per_class) % 20 if per_class < 7 else np.arange(3 * per_class) % 3
    photographs = Photographs(
        features=np.abs(np.random.default_rng(0).normal(5, 1, (len(labels), WIDTH))).astype(np.float32),
        labels=labels,
        groups=np.arange(len(labels)),
        has_learnt_from=np.zeros(len(labels), bool),
    )
    assert learnt(photographs).neighbours == neighbours


def test_the_file_tells_what_it_was_made_with() -> None:
    likeness = learnt(known())
    told = json.loads(likeness_document(likeness, ("Ärger", "bee")))
    assert told.pop("what")
    assert len(told.pop("spread")) == 4 * -(-4 * WIDTH // 3)
    assert len(told.pop("references")) == 4 * -(-likeness.references.size // 3)
    assert told == {
        "version": 1,
        "classes": ["Ärger", "bee"],
        "limit": likeness.limit,
        "known_above_limit": 0.05,
        "neighbours": likeness.neighbours,
        "width": WIDTH,
    }


def test_a_photograph_that_the_network_sees_nothing_in_spoils_no_comparison_of_others() -> None:
    photographs = known(100)
    photographs.features[7] = 0
    likeness = read_likeness(likeness_document(learnt(photographs), CLASSES), CLASSES)
    assert share_above(likeness, photographs_of(np.full(200, 2), 1)) > 0.95


def test_copies_of_a_photograph_say_nothing_about_new_ones() -> None:
    assert learn_likeness(thrice(known(18)), seed=0) is None
    likeness = learnt(thrice(known(100)))
    assert share_above(likeness, photographs_of(np.arange(400) % 2, 5)) < 3 * KNOWN_TAKEN_FOR_STRANGERS


def test_photographs_of_a_new_site_are_no_strangers_where_sites_are_kept_together() -> None:
    """Photographs of one site are near to each other: a limit from these would call every other site strange."""
    sites = np.repeat(np.arange(60), 10)
    at_site = np.random.default_rng(4).normal(0, 3, (60, WIDTH))
    features = (photographs_of(np.arange(600) % 2, 0) + at_site[sites]).astype(np.float32)
    seen, new = np.flatnonzero(sites < 30), np.flatnonzero(sites >= 30)
    alone = np.arange(len(seen))
    of_sites = Photographs(
        features=features[seen],
        labels=seen % 2,
        groups=alone,
        has_learnt_from=np.zeros(len(seen), bool),
        given_groups=sites[seen],
    )
    assert share_above(learnt(of_sites), features[new]) < 3 * KNOWN_TAKEN_FOR_STRANGERS
    assert share_above(learnt(replace(of_sites, given_groups=alone)), features[new]) > 0.5  # else this shows nothing


def test_photographs_that_the_features_were_fitted_to_are_no_measure_of_new_ones() -> None:
    """Fine-tuning draws what it learns from together: the limit has to come from the others."""
    photographs = known(400)
    fitted = np.arange(400) < 300
    drawn = np.where(fitted[:, None], CENTRES[photographs.labels], photographs.features).astype(np.float32)
    tuned = replace(photographs, features=drawn, has_learnt_from=fitted)
    own = photographs_of(np.arange(500) % 2, 4)
    assert share_above(learnt(tuned), own) < 3 * KNOWN_TAKEN_FOR_STRANGERS
    assert share_above(learnt(replace(tuned, has_learnt_from=~fitted)), own) > 0.5  # else this test shows nothing


@pytest.mark.parametrize(("width", "num_classes"), [(5_000, 2), (1_280, 250), (64, 2)])
def test_the_file_stays_small_whatever_the_network(width: int, num_classes: int) -> None:
    labels = np.arange(800) % num_classes
    photographs = Photographs(
        features=np.random.default_rng(0).normal(0, 1, (800, width)).astype(np.float32),
        labels=labels,
        groups=np.arange(800),
        has_learnt_from=np.zeros(800, bool),
    )
    likeness = learnt(photographs)
    of_last_layer = 4 * width * num_classes
    document = likeness_document(likeness, ["x"] * num_classes)
    assert len(document) < 1.4 * (max(2**19, of_last_layer / 2) + 4 * width) + 20_000


def test_of_many_classes_each_has_photographs_to_be_compared_with() -> None:
    labels = np.concatenate([np.zeros(700, np.int64), np.arange(100)])
    features = np.eye(100, 1_280, dtype=np.float32)[labels] + 0.001
    photographs = Photographs(
        features=features, labels=labels, groups=np.arange(800), has_learnt_from=np.zeros(800, bool)
    )
    likeness = learnt(photographs)
    assert share_above(likeness, features) < 2 * KNOWN_TAKEN_FOR_STRANGERS
    assert len(np.unique(likeness.references.argmax(axis=1))) == 100


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.pop("limit"),
        lambda told: told.update(spread="no base64!"),
        lambda told: told.update(references=told["references"][:8]),
        lambda told: told.update(classes=["ant", "cow"]),
        lambda told: told.update(spread=told["spread"][:20]),
        lambda told: told.update(references=""),
    ],
)
def test_a_damaged_file_and_one_of_other_classes_are_told(spoil) -> None:
    told = json.loads(likeness_document(learnt(known()), CLASSES))
    spoil(told)
    with pytest.raises(ValueError, match=r"\w"):
        read_likeness(json.dumps(told), CLASSES)


def test_features_of_another_network_are_not_compared() -> None:
    with pytest.raises(ValueError, match="64 features"):
        learnt(known()).distances(np.zeros((1, 32), np.float32))
