"""Which recipe is tried next: what Optuna proposes, carried on by whoever takes the job over."""

import subprocess
import sys
from dataclasses import replace

import pytest

from services.trainer.tuning import recipe
from services.trainer.tuning.search import SearchPlan, Step, next_step
from shared.job.findings.training import Hyperparameters, TunedRecipe
from shared.job.options import TuneSearch
from shared.json_codec import from_json, to_json

pytest.importorskip("optuna", reason="an installation from before there was a search through Optuna")
SAMPLED = [TuneSearch.RANDOM, TuneSearch.TPE, TuneSearch.GENETIC]


def plan(search: TuneSearch, *, trials: int = 30, epochs: int = 5, seed: int = 0) -> SearchPlan:
    return SearchPlan(search=search, trials=trials, epochs=epochs, seed=seed)


def tried(step: Step, val_accuracy: float, *, epochs: int = 1) -> TunedRecipe:
    return TunedRecipe(hyperparameters=step.recipe, val_accuracy=val_accuracy, epochs=epochs, seconds=1.0)


def quality(each: Hyperparameters) -> float:
    """A landscape with its top at strong decay, no dropout and a high rate."""
    return 0.5 + 0.2 * (each.weight_decay == 0.1) + 0.2 * (each.dropout == 0.0) + 200 * each.learning_rate


def searched(search: TuneSearch, *, trials: int, seed: int = 0) -> list[TunedRecipe]:
    history: list[TunedRecipe] = []
    while (step := next_step(plan(search, trials=trials, seed=seed), history)) is not None:
        history.append(tried(step, quality(step.recipe)))
    return history


@pytest.mark.parametrize("search", TuneSearch)
def test_the_first_recipe_is_the_default_one(search):
    assert next_step(plan(search), []).recipe == recipe.DEFAULT
    assert recipe.DEFAULT.learning_rate < recipe.SCREENING_RATE
    assert recipe.DEFAULT.batch_size > recipe.SCREENING_BATCH_SIZE


def test_no_value_is_searched_twice_and_each_is_a_share_or_a_batch():
    for name, values in recipe.CHOICES.items():
        assert list(values) in (sorted(set(values)), sorted(set(values), reverse=True))
        assert name == "batch_size" or all(0 <= value <= (1 if name == "depth" else 0.5) for value in values)
        assert getattr(recipe.DEFAULT, name) in values


@pytest.mark.parametrize(("batch_sizes", "is_told"), [((16, 32), False), ((64, 32), True)])
def test_a_recipe_whose_batch_was_halved_counts_as_the_nearest_that_is_searched(batch_sizes, is_told):
    def proposed(batch_size: int) -> list[Hyperparameters]:
        history = [tried(Step(recipe=recipe.DEFAULT, epochs=1), 0.5)]
        for number in range(10):
            odd = Hyperparameters(learning_rate=2e-5 + 4e-5 * number, batch_size=batch_size, dropout=0.2 * (number % 3))
            other = Hyperparameters(learning_rate=3e-5 + 4e-5 * number, batch_size=128)
            history += [tried(Step(recipe=odd, epochs=1), 0.9 + number / 200), tried(Step(recipe=other, epochs=1), 0.1)]
        return [next_step(plan(TuneSearch.TPE, seed=seed), history).recipe for seed in range(4)]

    first, second = map(proposed, batch_sizes)
    assert (first != second) is is_told


@pytest.mark.parametrize("search", SAMPLED)
def test_recipes_stay_in_range_and_are_hardly_ever_repeated(search):
    history = searched(search, trials=20)
    assert len(history) == 20
    assert len({each.hyperparameters for each in history}) > 15
    for each in history:
        assert recipe.LOWEST_RATE <= each.hyperparameters.learning_rate <= recipe.HIGHEST_RATE
        assert all(getattr(each.hyperparameters, name) in values for name, values in recipe.CHOICES.items())


@pytest.mark.parametrize("search", SAMPLED)
def test_who_takes_the_job_over_carries_the_same_search_on(search):
    whole = searched(search, trials=14, seed=3)
    for done in (1, 7, 13):
        assert next_step(plan(search, trials=14, seed=3), whole[:done]).recipe == whole[done].hyperparameters
    assert searched(search, trials=14, seed=4)[1:] != whole[1:]


@pytest.mark.parametrize("search", SAMPLED)
def test_levels_and_mirror_images_are_searched_only_where_the_job_leaves_them_open(search):
    open_plan = replace(plan(search, trials=14), searches_levels=True, views=2)
    history: list[TunedRecipe] = []
    while (step := next_step(open_plan, history)) is not None:
        history.append(tried(step, quality(step.recipe)))
    assert history[0].hyperparameters == recipe.DEFAULT
    found = [each.hyperparameters for each in history]
    assert {each.every_level for each in found} == {each.mirrored for each in found} == {False, True}
    assert len({each.depth for each in found}) > 1
    assert next_step(open_plan, history[:9]).recipe == found[9], "a successor carries on"
    assert not any(each.hyperparameters.every_level for each in searched(search, trials=14))
    assert not any(each.hyperparameters.mirrored for each in searched(search, trials=14))


@pytest.mark.parametrize("search", SAMPLED)
def test_recipes_of_before_levels_were_searched_are_taken_into_the_study(search):
    open_plan = replace(plan(search, trials=14), searches_levels=True, views=2)
    older = [
        from_json(TunedRecipe, {**to_json(each), "hyperparameters": _as_it_was(each.hyperparameters)})
        for each in searched(search, trials=5)
    ]
    assert next_step(open_plan, older) is not None


def _as_it_was(each: Hyperparameters) -> dict[str, float]:
    document = to_json(each)
    return {name: document[name] for name in document if name not in ("depth", "every_level", "mirrored")}


@pytest.mark.parametrize("search", [TuneSearch.TPE, TuneSearch.GENETIC])
def test_what_did_better_is_sought_more_often_than_by_chance(search):
    def late(search: TuneSearch) -> float:
        runs = [searched(search, trials=24, seed=seed)[18:] for seed in range(3)]
        values = [quality(each.hyperparameters) for run in runs for each in run]
        return sum(values) / len(values)

    assert late(search) > late(TuneSearch.RANDOM) + 0.05


@pytest.mark.parametrize("search", SAMPLED)
def test_a_recipe_that_failed_or_ran_with_half_its_batch_does_not_end_the_search(search):
    first = Step(recipe=recipe.DEFAULT, epochs=5)
    failed = tried(first, 0.0, epochs=0)
    halved = TunedRecipe(
        hyperparameters=Hyperparameters(learning_rate=1e-4, batch_size=16), val_accuracy=0.9, epochs=2, seconds=1.0
    )
    of_another_version = TunedRecipe(
        hyperparameters=Hyperparameters(learning_rate=1.0, batch_size=7), val_accuracy=0.9, epochs=2, seconds=1.0
    )
    assert next_step(plan(search), [failed, halved, of_another_version]) is not None


def test_recipe_is_one_trial_and_asks_nobody():
    only = plan(TuneSearch.RECIPE, trials=9)
    assert only.total_epochs == 5
    assert next_step(only, [tried(next_step(only, []), 0.5)]) is None


def test_cull_lets_all_begin_and_the_best_third_go_on_to_the_end():
    culling = plan(TuneSearch.CULL, trials=6, epochs=5)
    history: list[TunedRecipe] = []
    steps = []
    while (step := next_step(culling, history)) is not None:
        steps.append(step)
        history.append(tried(step, quality(step.recipe)))
    assert [step.epochs for step in steps] == [1] * 6 + [5, 5]
    best_first = sorted(history[:6], key=lambda each: -each.val_accuracy)
    assert [step.recipe for step in steps[6:]] == [each.hyperparameters for each in best_first[:2]]
    assert [step.is_final for step in steps] == [False] * 6 + [True] * 2
    assert culling.total_epochs == 16


def test_programs_that_do_not_search_import_no_optuna():
    modules = ("intake.__main__", "reporter.__main__", "onebox.cli", "trainer.__main__", "trainer.tuning.search")
    program = f"import sys, {', '.join(f'services.{name}' for name in modules)}; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
