"""What a search may try: every choice there is, and of two recipes a child that has something of both."""

from collections import Counter

import numpy as np
import pytest

from services.trainer.tuning import recipe
from services.trainer.tuning.recipe import HIGHEST_RATE, LOWEST_RATE, cross, draw
from shared.job.findings.training import Hyperparameters

MOTHER = Hyperparameters(learning_rate=1e-4, batch_size=8, weight_decay=0.3, label_smoothing=0.2, dropout=0.1)
FATHER = Hyperparameters(learning_rate=1e-4, batch_size=16, weight_decay=0.4, label_smoothing=0.3, dropout=0.3)
CHOICES = {
    "batch_size": recipe.BATCH_SIZES,
    "weight_decay": recipe.WEIGHT_DECAYS,
    "label_smoothing": recipe.LABEL_SMOOTHINGS,
    "dropout": recipe.DROPOUTS,
}


def genes(recipes: list[Hyperparameters], name: str) -> Counter[float]:
    return Counter(getattr(each, name) for each in recipes)


def children(mutation: float, *, count: int = 400, **changes: float) -> list[Hyperparameters]:
    generator = np.random.default_rng(0)
    parents = [Hyperparameters(**{**vars_of(each), **changes}) for each in (MOTHER, FATHER)]
    return [cross(*parents, generator, mutation=mutation) for _ in range(count)]


def vars_of(each: Hyperparameters) -> dict[str, float]:
    return {name: getattr(each, name) for name in Hyperparameters.__dataclass_fields__}


def test_every_choice_is_drawn_about_as_often_as_the_others() -> None:
    generator = np.random.default_rng(0)
    drawn = [draw(generator) for _ in range(1200)]
    for name, choices in CHOICES.items():
        counted = genes(drawn, name)
        assert set(counted) == set(choices)
        assert min(counted.values()) > 0.7 * len(drawn) / len(choices)


def test_rates_are_drawn_evenly_over_their_orders_of_magnitude() -> None:
    generator = np.random.default_rng(0)
    rates = [draw(generator).learning_rate for _ in range(1000)]
    assert LOWEST_RATE <= min(rates) < 1.05 * LOWEST_RATE
    assert 0.95 * HIGHEST_RATE < max(rates) <= HIGHEST_RATE
    assert np.median(rates) == pytest.approx(np.sqrt(LOWEST_RATE * HIGHEST_RATE), rel=0.2)


@pytest.mark.parametrize("name", CHOICES)
def test_every_gene_of_a_child_is_as_often_the_mothers_as_the_fathers(name: str) -> None:
    counted = genes(children(mutation=0.0), name)
    assert set(counted) == {getattr(MOTHER, name), getattr(FATHER, name)}
    assert min(counted.values()) > 150


@pytest.mark.parametrize("name", CHOICES)
def test_a_gene_that_mutates_is_drawn_anew(name: str) -> None:
    assert set(genes(children(mutation=1.0), name)) == set(CHOICES[name])


def test_the_rate_of_a_child_lies_about_that_of_its_parents() -> None:
    moved = np.log([child.learning_rate / 1e-4 for child in children(mutation=0.0)])
    assert moved.mean() == pytest.approx(0.0, abs=0.06)
    assert moved.std() == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize("rate", [LOWEST_RATE, HIGHEST_RATE])
def test_rates_do_not_leave_their_range_over_generations(rate: float) -> None:
    rates = [child.learning_rate for child in children(mutation=0.0, learning_rate=rate)]
    assert LOWEST_RATE <= min(rates) < max(rates) <= HIGHEST_RATE
    assert rates.count(rate) > 100
