"""How the next recipe is proposed: at random, or bred from the better ones so far. Same budget, same interface."""

from collections.abc import Sequence

import numpy as np

from services.trainer.tuning.recipe import DEFAULT, cross, draw
from shared.job.findings.training import Hyperparameters, TunedRecipe
from shared.job.options import TuneSearch

_MUTATION = 0.2
_TOURNAMENT = 3
_FOUNDERS = 2


def propose(search: TuneSearch, tried: Sequence[TunedRecipe], *, seed: int) -> Hyperparameters:
    """Propose the next recipe; the same history and seed give the same proposal, so that a successor carries on.

    Args:
        search: How.
        tried: Every recipe tried so far, in order, with what validation said of it.
        seed: Of the run.
    """
    if not tried:
        return DEFAULT
    generator = np.random.default_rng([seed, len(tried)])
    if search is TuneSearch.RANDOM or len(tried) < _FOUNDERS:
        return draw(generator)
    return cross(_parent(tried, generator), _parent(tried, generator), generator, mutation=_MUTATION)


def _parent(tried: Sequence[TunedRecipe], generator: np.random.Generator) -> Hyperparameters:
    """Return the best of a few drawn at random."""
    drawn = generator.integers(len(tried), size=_TOURNAMENT)
    best: TunedRecipe = max((tried[position] for position in drawn), key=lambda trial: trial.val_accuracy)
    return best.hyperparameters
