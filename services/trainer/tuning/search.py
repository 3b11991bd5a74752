"""Which recipe is tried next, and for how long: asked of Optuna, which is told what became of those before.

Nothing of a study is kept but the ledger: the same seed and the same recipes with what validation said of them, told
again in their order, make the same study. So a worker that takes a job over carries the search on.
"""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services.trainer.tuning.recipe import CHOICES, DEFAULT, HIGHEST_RATE, LOWEST_RATE, OF_LEVELS, OF_VIEWS, rounded
from shared.job.findings.training import Hyperparameters, TunedRecipe
from shared.job.options import TuneSearch

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

_RATE = "learning_rate"
_STARTUP = 4
"""Recipes drawn at random before the tree-structured Parzen estimator has something to go by."""
_POPULATION = 6
_CULL_EPOCHS = 1
_KEPT_FRAC = 1 / 3
"""Share of the recipes that go on after :data:`_CULL_EPOCHS`. Source: arXiv:2307.15422, one epoch each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """How recipes are searched.

    Args:
        search: How they are proposed.
        trials: Recipes; with ``recipe`` it is one, with ``cull`` so many begin.
        epochs: Of a recipe, at most.
        seed: Of the run.
        searches_levels: Whether it is left open which levels the last layer reads; else it reads the features.
        views: Of each image that the last layer may look at; 2 leaves it open.
    """

    search: TuneSearch
    trials: int
    epochs: int
    seed: int
    searches_levels: bool = False
    views: int = 1

    @property
    def choices(self) -> dict[str, tuple[float, ...]]:
        """Values of every hyper-parameter that is searched, but the rate."""
        return {**CHOICES, **(OF_LEVELS if self.searches_levels else {}), **(OF_VIEWS if self.views > 1 else {})}

    @property
    def num_kept(self) -> int:
        """Recipes that go on after a first look at all."""
        return max(1, round(_KEPT_FRAC * self.trials)) if self.search is TuneSearch.CULL else 0

    @property
    def total_epochs(self) -> int:
        """Epochs of all steps together, at most."""
        if self.search is TuneSearch.CULL:
            return self.trials * min(_CULL_EPOCHS, self.epochs) + self.num_kept * self.epochs
        return self.epochs * (1 if self.search is TuneSearch.RECIPE else self.trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is tried next.

    Args:
        recipe: See there.
        epochs: It trains, at most.
        is_final: Whether it is to go on however it begins, since it was chosen for its beginning.
    """

    recipe: Hyperparameters
    epochs: int
    is_final: bool = False


def next_step(plan: SearchPlan, tried: Sequence[TunedRecipe]) -> Step | None:
    """Return what is tried next, or ``None`` at the end; the same plan and history give the same step.

    Args:
        plan: See there.
        tried: Every recipe tried so far, in order, with what validation said of it.
    """
    match plan.search:
        case TuneSearch.RECIPE:
            return None if tried else Step(recipe=DEFAULT, epochs=plan.epochs)
        case TuneSearch.CULL if len(tried) >= plan.trials:
            return _kept(plan, tried)
    if len(tried) >= plan.trials or (tried and not _is_installed()):
        return None
    recipe = _proposed(plan, tried) if tried else DEFAULT
    epochs = min(_CULL_EPOCHS, plan.epochs) if plan.search is TuneSearch.CULL else plan.epochs
    return Step(recipe=recipe, epochs=epochs)


def _is_installed() -> bool:
    """Tell whether Optuna can be asked; an installation that lost it still fine-tunes, by the default recipe."""
    if importlib.util.find_spec("optuna") is not None:
        return True
    logger.warning("Optuna is not installed; the default recipe alone is tried")
    return False


def _kept(plan: SearchPlan, tried: Sequence[TunedRecipe]) -> Step | None:
    """Return the next of those that began best; of equals the one that was proposed first."""
    position = len(tried) - plan.trials
    if position >= plan.num_kept:
        return None
    best_first = sorted(tried[: plan.trials], key=lambda each: -each.val_accuracy)
    return Step(recipe=best_first[position].hyperparameters, epochs=plan.epochs, is_final=True)


def _proposed(plan: SearchPlan, tried: Sequence[TunedRecipe]) -> Hyperparameters:
    """Tell Optuna of all recipes so far, and ask for the next."""
    import optuna  # noqa: PLC0415 - takes half a second, and a job with one recipe does without

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=_sampler(plan))
    study.enqueue_trial({_RATE: DEFAULT.learning_rate, **{name: getattr(DEFAULT, name) for name in plan.choices}})
    for each in tried:
        _tell(study, plan, each)
    return _recipe_of(study.ask(_distributions(plan)).params)


def _sampler(plan: SearchPlan) -> "optuna.samplers.BaseSampler":
    import optuna  # noqa: PLC0415 - see above

    match plan.search:
        case TuneSearch.TPE:
            return optuna.samplers.TPESampler(seed=plan.seed, n_startup_trials=_STARTUP)
        case TuneSearch.GENETIC:
            return optuna.samplers.NSGAIISampler(seed=plan.seed, population_size=_POPULATION)
    return optuna.samplers.RandomSampler(seed=plan.seed)


def _tell(study: "optuna.Study", plan: SearchPlan, tried: TunedRecipe) -> None:
    """Tell what became of the recipe that the study proposes now; one that it would not have proposed is added.

    That is so where another version of Optuna proposed it, or where the batch was halved for want of memory.
    """
    import optuna  # noqa: PLC0415 - see above

    asked = study.ask(_distributions(plan))
    is_done = tried.epochs > 0
    if _recipe_of(asked.params) == tried.hyperparameters:
        if is_done:
            study.tell(asked, tried.val_accuracy)
        else:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
        return
    study.tell(asked, state=optuna.trial.TrialState.FAIL)
    params = _nearest(plan, tried.hyperparameters)
    if is_done and params is not None:
        distributions = _distributions(plan)
        added = optuna.trial.create_trial(params=params, distributions=distributions, value=tried.val_accuracy)
        study.add_trial(added)


def _nearest(plan: SearchPlan, recipe: Hyperparameters) -> dict[str, Any] | None:
    """Return a recipe as parameters of the search; ``None`` where it lies outside of what is searched."""
    batch_size = min(CHOICES["batch_size"], key=lambda size: abs(size - recipe.batch_size))
    others = {**{name: getattr(recipe, name) for name in plan.choices}, "batch_size": batch_size}
    is_inside = LOWEST_RATE <= recipe.learning_rate <= HIGHEST_RATE
    if not is_inside or any(others[name] not in values for name, values in plan.choices.items()):
        return None
    return {_RATE: recipe.learning_rate, **others}


def _distributions(plan: SearchPlan) -> "dict[str, optuna.distributions.BaseDistribution]":
    import optuna  # noqa: PLC0415 - see above

    rate = optuna.distributions.FloatDistribution(LOWEST_RATE, HIGHEST_RATE, log=True)
    others = {name: optuna.distributions.CategoricalDistribution(values) for name, values in plan.choices.items()}
    return {_RATE: rate, **others}


def _recipe_of(params: dict[str, Any]) -> Hyperparameters:
    """Return parameters as a recipe, each of the type that it has there; what is not searched stays as by default."""
    others = {name: type(getattr(DEFAULT, name))(value) for name, value in params.items() if name != _RATE}
    return replace(DEFAULT, learning_rate=rounded(params[_RATE]), **others)
