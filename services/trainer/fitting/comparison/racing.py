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
_MUCH_DEARER = 2
"""Who takes so many times the work of another is asked whether it is surely better before its whole pass."""
Foreseen = Mapping[str, NDArray[np.float64]]
"""By name, the accuracy on all photographs that each of the draws lets expect; the same draws for all."""


def foresee(
    right: Mapping[str, NDArray[np.bool_]], imagenet: Mapping[str, float | None], *, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return what each racer may turn out to read rightly, draw by draw.

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
    return dict(zip(names, thought.T, strict=True))


def chances_to_win(foreseen: Foreseen) -> dict[str, float]:
    """Return how probable it is of each racer that it is the most accurate: in how many of the draws it is."""
    best = np.stack(list(foreseen.values())).argmax(axis=0)
    wins = np.bincount(best, minlength=len(foreseen)) / len(best)
    return {name: float(share) for name, share in zip(foreseen, wins, strict=True)}


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


def not_worth_their_work(foreseen: Foreseen, work: Mapping[str, float]) -> dict[str, str]:
    """Return who need not run to the end, and which far cheaper one it is that each does not surely beat.

    In the end the cheapest wins that none beats by more than the standard error of the difference. Before the last
    pass, which costs most, the same is asked of what the draws foresee: who takes at least twice the work of another
    and is not ahead of it by more than a standard deviation would most likely run for nothing.

    Args:
        foreseen: Of those that are left after the last sample.
        work: Of each to compute an image, in any unit.
    """
    cheap_first = sorted(foreseen, key=work.__getitem__)
    leaving: dict[str, str] = {}
    for name in cheap_first:
        for other in cheap_first:
            ahead = foreseen[name] - foreseen[other]
            is_dear = work[name] >= _MUCH_DEARER * work[other]
            if is_dear and other not in leaving and ahead.mean() <= ahead.std():
                leaving[name] = other
                break
    return leaving


def why_not_worth_it(name: str, *, num_images: int, times: float) -> str:
    """Return why a racer did not run to the end, for the person whose photographs these are.

    Args:
        name: Of the one that it does not surely beat.
        num_images: In the last sample.
        times: How many times the work of that one it takes.
    """
    return f"by {num_images} images it is not surely better than {name}, and it takes {times:.1f} times the work"


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
