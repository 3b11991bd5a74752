"""Whether a picture is a copy of another that was mirrored, turned, cropped, rotated, brightened: laid over it.

A proposal says roughly how one lies over the other. That is refined by least squares, shift, size, slant and turn at
once with brightness and contrast, and then both must agree twice: in what they show, colours included, and in the fine
detail that pictures of like things do not share. Where either is clipped, padded or not there, nothing is compared.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.look import THUMBNAIL_PX
from services.trainer.data.copies.overlay import Grid, blurred, comparable, refined
from services.trainer.data.copies.proposals import Proposals
from services.trainer.data.copies.views import ORIENTATIONS, WINDOWS, Floats

_COARSE_PX = 24
_COARSE_STEPS = 5
_FINE_STEPS = 3
_PAIRS = 32
"""Compared at once: each of a dozen arrays fits the cache, and the memory of one is used for the next."""
_LEAST_COARSE = 0.92
"""Correlation of brightness at ``_COARSE_PX``; what has less is not examined further."""
_THREADS = 2
_BLACK, _WHITE = 6, 249
_NOISE = 0.5
"""Variance that pictures have by themselves: what is plain agrees with nothing."""
_SOFT = 0.3
"""Share of the variance of the detail; above it a detail counts hardly more, so outlines do not outweigh all else."""
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_COARSE, _FINE = Grid(_COARSE_PX), Grid(THUMBNAIL_PX)
_CORNERS = np.array([[x, y, 1] for x in (-0.5, 0.5) for y in (-0.5, 0.5)], np.float32).T


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well pairs agree once one is laid over the other, ``(num_pairs,) float32`` each; -1 where not examined.

    Args:
        whole: Correlation of all that both show, in colour.
        detail: Correlation of the fine detail of brightness.
        moved: How far a corner lies from where the proposal put it, in sides of the square.
        lighter: How much brighter one is than the other, in grey levels.
        ratio: The brighter over the darker.
        evidence: By how many standard deviations the detail agrees better than chance would have it.
    """

    whole: Floats
    detail: Floats
    moved: Floats
    lighter: Floats
    ratio: Floats
    evidence: Floats


def agreement(
    thumbnails: NDArray[np.uint8],
    proposals: Proposals,
    orientation: NDArray[np.int64],
    between: Callable[[], None] = lambda: None,
) -> Agreement:
    """Lay the second picture of every pair over the first and compare them.

    Args:
        thumbnails: ``(num_images, THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8``, best memory-mapped.
        proposals: The pairs.
        orientation: ``(num_pairs,) int64``, positions in :data:`ORIENTATIONS`.
        between: Called between two steps; may raise to end the search.
    """
    guesses = np.array([[_guess(w, o) for o in range(len(ORIENTATIONS))] for w in range(len(WINDOWS))], np.float32)
    found = np.full((6, len(proposals.first)), -1, np.float32)

    def compare(start: int) -> None:
        between()
        rows = np.arange(start, min(start + _PAIRS, len(proposals.first)))
        guess = guesses[proposals.window[rows], orientation[rows]]
        first, second = thumbnails[proposals.first[rows]], thumbnails[proposals.second[rows]]
        places, likely = _coarse(first, second, guess)
        if likely.any():
            found[:, rows[likely]] = _compared(first[likely], second[likely], places[likely], guess[likely])

    with ThreadPoolExecutor(_THREADS) as executor:  # numpy lets go of the interpreter's lock
        list(executor.map(compare, range(0, len(proposals.first), _PAIRS)))
    names = ("whole", "detail", "moved", "lighter", "ratio", "evidence")
    return Agreement(**dict(zip(names, found, strict=True)))


def _guess(window: int, orientation: int) -> NDArray[np.float64]:
    """Return where the places of the first picture lie in the second, ``(2, 3)``, by what proposed them."""
    looked, through = WINDOWS[window]
    linear = through[:, :2] @ ORIENTATIONS[orientation] @ np.linalg.inv(looked[:, :2])
    return np.column_stack([linear, through[:, 2] - linear @ looked[:, 2]])


def _usable(thumbnails: NDArray[np.uint8]) -> Floats:
    """Return 1 where a picture is neither clipped nor padded."""
    red, green, blue = (thumbnails[..., channel] for channel in range(3))
    brightest = np.maximum(np.maximum(red, green), blue)
    return ((brightest > _BLACK) & (brightest < _WHITE)).astype(np.float32)


def _luma(thumbnails: NDArray[np.uint8]) -> Floats:
    luma: Floats = thumbnails.astype(np.float32) @ _LUMA
    return luma


def _halved(values: Floats) -> Floats:
    halved: Floats = values[:, ::2, ::2] + values[:, 1::2, ::2] + values[:, ::2, 1::2] + values[:, 1::2, 1::2]
    halved *= 0.25
    return halved


def _coarse(first: NDArray[np.uint8], second: NDArray[np.uint8], guess: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Refine the guesses on half the pixels; tell which pairs may be copies."""
    lumas = [blurred(_halved(_luma(each)), 0.7) for each in (first, second)]
    masks = [_halved(_usable(each)) for each in (first, second)]
    places = refined(_COARSE, lumas, masks, guess, steps=_COARSE_STEPS)
    planes = np.stack([lumas[1], masks[1]], axis=1).reshape(len(first), 2, -1)
    seen, inside = _COARSE.read(planes, places)
    weight = comparable(masks[0].reshape(len(first), -1), seen[:, 1], inside).astype(np.float32)
    alike = _correlation(lumas[0].reshape(len(first), 1, -1), seen[:, :1], weight)
    return places, alike >= _LEAST_COARSE


def _compared(first: NDArray[np.uint8], second: NDArray[np.uint8], places: Floats, guess: Floats) -> Floats:
    """Refine on all pixels, then compare; see :class:`Agreement`."""
    num = len(first)
    lumas = [blurred(_luma(each), 1.0) for each in (first, second)]
    masks = [_usable(each) for each in (first, second)]
    places = refined(_FINE, lumas, masks, places, steps=_FINE_STEPS)
    shown = _equally_sharp(first, second, places)
    planes = np.concatenate([shown[1], masks[1][..., None]], axis=-1).reshape(num, -1, 4).transpose(0, 2, 1)
    seen, inside = _FINE.read(planes, places)
    weight = comparable(masks[0].reshape(num, -1), seen[:, 3], inside).astype(np.float32)
    colours = shown[0].reshape(num, -1, 3).transpose(0, 2, 1)
    whole = _correlation(colours, seen[:, :3], weight)
    square = weight.reshape(num, THUMBNAIL_PX, THUMBNAIL_PX)
    grey = [np.tensordot(each, _LUMA, (1, 0)).reshape(square.shape) for each in (colours, seen[:, :3])]
    details = [_detail(each, square) for each in grey]
    detail = _correlation(details[0].reshape(num, 1, -1), details[1].reshape(num, 1, -1), weight, noise=1e-3)
    moved = np.sqrt((((places - guess) @ _CORNERS) ** 2).sum(axis=1)).max(axis=1)
    means = [(each * square).sum(axis=(1, 2)) / np.maximum(square.sum(axis=(1, 2)), 1) for each in grey]
    lighter, darker = np.maximum(*means), np.minimum(*means)
    features = np.minimum(*(_features(each, square) for each in details))
    # Fisher's transformation of a correlation, whose variance is the inverse of the number of features
    evidence = np.arctanh(np.clip(detail, -_CERTAIN, _CERTAIN)) * np.sqrt(np.maximum(features - _FITTED, 1))
    return np.stack([whole, detail, moved, lighter - darker, lighter / np.maximum(darker, 1), evidence])


_CERTAIN = 0.9999
_FITTED = 6
"""Numbers that laying one over the other chooses."""


def _features(detail: Floats, weight: Floats) -> Floats:
    """Return how many details there are: the pixels compared over the area of a wave of the detail's mean length."""
    down, across = (np.diff(detail, axis=axis) for axis in (1, 2))
    slopes = (down**2 * weight[:, 1:] * weight[:, :-1]).sum(axis=(1, 2))
    slopes += (across**2 * weight[..., 1:] * weight[..., :-1]).sum(axis=(1, 2))
    energy = (detail**2 * weight).sum(axis=(1, 2)) + 1e-3
    return np.asarray(weight.sum(axis=(1, 2)) * slopes / energy / (4 * np.pi), np.float32)


def _equally_sharp(first: NDArray[np.uint8], second: NDArray[np.uint8], places: Floats) -> list[Floats]:
    """Blur whichever is shown larger by as much as the other lacks, in two degrees."""
    size = np.sqrt(np.abs(places[:, 0, 0] * places[:, 1, 1] - places[:, 0, 1] * places[:, 1, 0]))
    shown = [each.astype(np.float32) for each in (first, second)]
    for picture, larger in zip(shown, (1 / np.maximum(size, 1e-3), size), strict=True):
        for least, most, sigma in _SHARPER:
            chosen = (larger >= least) & (larger < most)
            if chosen.any():
                picture[chosen] = blurred(picture[chosen].transpose(0, 3, 1, 2), sigma).transpose(0, 2, 3, 1)
    return shown


_SHARPER = ((1.08, 1.25, 0.45), (1.25, np.inf, 0.7))
"""How much larger, and by how many pixels a blur makes up for it."""


def _detail(luma: Floats, weight: Floats) -> Floats:
    """Return what is finer than three pixels or so, of the places that count alone."""
    fine, coarse = (blurred(luma * weight, sigma) / (blurred(weight, sigma) + 1e-3) for sigma in (0.8, 2.5))
    found = fine - coarse
    spread = ((found * found * weight).sum(axis=(1, 2)) / np.maximum(weight.sum(axis=(1, 2)), 1))[:, None, None]
    return np.asarray(found / np.sqrt(found * found + _SOFT * spread + 0.1), np.float32)


def _correlation(first: Floats, second: Floats, weight: Floats, *, noise: float = _NOISE) -> Floats:
    """Return the correlation of ``(num_pairs, channels, pixels)`` over all channels at once."""
    weight = weight[:, None]
    total = np.maximum(weight.sum(axis=(1, 2)) * first.shape[1], 1)[:, None, None]
    centred = [
        (values - (values * weight).sum(axis=(1, 2), keepdims=True) / total) * weight for values in (first, second)
    ]
    spread = [(values * values).sum(axis=(1, 2)) / total[:, 0, 0] + noise for values in centred]
    correlation: Floats = (centred[0] * centred[1]).sum(axis=(1, 2)) / total[:, 0, 0] / np.sqrt(spread[0] * spread[1])
    return correlation
