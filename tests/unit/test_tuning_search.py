import numpy as np
import pytest

from services.trainer.tuning import recipe
from services.trainer.tuning.search import propose
from shared.job.findings.training import Hyperparameters, TunedRecipe
from shared.job.options import TuneSearch


def tried(val_accuracy: float, **genes: float) -> TunedRecipe:
    genes = {"learning_rate": 1e-4, "batch_size": 64, **genes}
    return TunedRecipe(hyperparameters=Hyperparameters(**genes), val_accuracy=val_accuracy, epochs=1, seconds=1.0)


@pytest.mark.parametrize("search", TuneSearch)
def test_the_first_recipe_lowers_the_rate_and_raises_the_batch_of_screening(search):
    first = propose(search, [], seed=0)
    assert first.learning_rate < recipe.SCREENING_RATE
    assert first.batch_size > recipe.SCREENING_BATCH_SIZE


@pytest.mark.parametrize("search", TuneSearch)
def test_recipes_stay_in_range_and_follow_from_seed_and_history_alone(search):
    history = []
    for number in range(40):
        proposed = propose(search, history, seed=1)
        assert proposed == propose(search, list(history), seed=1)
        assert recipe.LOWEST_RATE <= proposed.learning_rate <= recipe.HIGHEST_RATE
        assert proposed.batch_size in recipe.BATCH_SIZES
        history.append(tried(number / 40, learning_rate=proposed.learning_rate, batch_size=proposed.batch_size))
    assert len({each.hyperparameters for each in history}) > 30


def test_genetic_search_breeds_from_two_and_tries_something_new_now_and_then():
    first = tried(0.5, learning_rate=1e-4, weight_decay=0.3, label_smoothing=0.2)
    second = tried(0.6, learning_rate=1e-4, weight_decay=0.4, label_smoothing=0.3)

    def weight_decays(*history):
        return {propose(TuneSearch.GENETIC, history, seed=seed).weight_decay for seed in range(200)}

    assert weight_decays(first) == set(recipe.WEIGHT_DECAYS)
    assert weight_decays(first, second) == {0.3, 0.4, *recipe.WEIGHT_DECAYS}


def test_genetic_search_leaves_the_worse_recipes_a_chance():
    history = [tried(number / 10, weight_decay=number / 10) for number in range(10)]
    bred = [propose(TuneSearch.GENETIC, history, seed=seed).weight_decay for seed in range(400)]
    assert sum(value < 0.7 for value in bred if value * 10 == round(value * 10)) > 60


def test_genetic_search_breeds_from_the_better_recipes_and_random_search_does_not():
    history = [tried(0.5, dropout=0.0), tried(0.9, dropout=0.4), tried(0.4, dropout=0.0), tried(0.6, dropout=0.0)]

    def share(search: TuneSearch) -> float:
        return float(np.mean([propose(search, history, seed=seed).dropout == 0.4 for seed in range(300)]))

    assert share(TuneSearch.GENETIC) > share(TuneSearch.RANDOM) + 0.1
