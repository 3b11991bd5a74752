"""The chance of each racer to be the best in the end, from what it read rightly of a few images. Pure."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

_NUM_DRAWS = 1000
_SPREAD = 0.04
"""Standard deviation of accuracy on a data set around what accuracy on ImageNet lets expect."""
LEAST_CHANCE = 0.05
"""Below it a racer leaves."""
_EVEN_SHARE = 0.5
"""Of what each had if all were alike, a racer keeps its place with so much, however many there are."""
_UNDECIDED = 2
"""So many are never halved."""


def chances_to_win(
    right: Mapping[str, NDArray[np.bool_]], imagenet: Mapping[str, float | None], *, seed: int
) -> dict[str, float]:
    """Return how probable it is of each racer that it is the most accurate.

    Images are drawn anew with replacement, the same for all racers. What a draw finds is weighed against what accuracy
    on ImageNet lets expect, each by how far it may be off: on few images the latter counts for much, on many for
    nothing. Log-odds are what carries over from ImageNet, not points: where all read nearly every image, a network far
    ahead there has little to gain here, and the lighter one, which may be as good, stays in the race.

    Args:
        right: Of each racer whether it reads each image of the sample rightly; the same images for all.
        imagenet: Accuracy of each on ImageNet; ``None`` where it is unknown, which expects it to be as the others are.
        seed: Of the draws.

    Source of the prior: Kornblith et al., "Do better ImageNet models transfer better?", arXiv:1805.08974.
    """
    names = list(right)
    table = np.stack([right[name] for name in names]).astype(np.float64)
    num_images = table.shape[1]
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(num_images, np.full(num_images, 1 / num_images), size=_NUM_DRAWS)
    found = drawn @ table.T / num_images
    means = table.mean(axis=1)
    known = [value for name in names if (value := imagenet[name]) is not None]
    usual = float(np.mean(logit(known))) if known else 0.0
    ahead = np.array([0.0 if imagenet[name] is None else logit(imagenet[name]) - usual for name in names])
    error = np.maximum(means * (1 - means), 1 / num_images) / num_images
    weight = _SPREAD**2 / (_SPREAD**2 + error)
    here = logit(np.clip(means.mean(), 0.5 / num_images, 1 - 0.5 / num_images))
    expected = expit(here + ahead) + generator.normal(0, _SPREAD, found.shape)
    thought = weight * found + (1 - weight) * expected
    thought += generator.normal(0, 1e-9, thought.shape)  # equals share the wins
    wins = np.bincount(thought.argmax(axis=1), minlength=len(names)) / _NUM_DRAWS
    return {name: float(share) for name, share in zip(names, wins, strict=True)}


def leavers(chances: Mapping[str, float]) -> list[str]:
    """Return who leaves after a round, the least hopeful first: who has hardly a chance, and of many the worse half.

    The last two are parted by their chances alone, and one always stays. Of more than ten, who are all alike, each has
    less than a tenth to win: there half of an even share is enough to stay.

    Args:
        chances: To win, by name.

    Source: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization",
    arXiv:1502.07943, successive halving.
    """
    ordered = sorted(chances, key=chances.__getitem__)
    num_halved = len(ordered) - max(_UNDECIDED, -(-len(ordered) // 2))
    least = min(LEAST_CHANCE, _EVEN_SHARE / len(ordered))
    return [name for place, name in enumerate(ordered[:-1]) if chances[name] < least or place < num_halved]


def why_left(chance: float, *, num_images: int, accuracy: float, best: float) -> str:
    """Return why a racer left, for the person whose photographs these are.

    Args:
        chance: To win.
        num_images: In the sample.
        accuracy: Share of them that it takes for what they are.
        best: The same of the best racer.
    """
    halved = "" if chance < LEAST_CHANCE else "; of many only the more hopeful half goes on"
    return (
        f"its chance to win was {chance:.1%}, by what accuracy on ImageNet lets expect and by {num_images} images, of "
        f"which it reads {accuracy:.0%} rightly and the best {best:.0%}{halved}"
    )
