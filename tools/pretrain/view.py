"""Draw the training views: enlarged crops of one photograph and sharp cuts of 2x2 mosaics.

The photographs are small. Enlarged, they show a teacher whole objects but no fine texture; as a mosaic at their own
scale they show fine texture but small objects. What users upload is large and is scaled down, so it has both: the
student sees both kinds.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.pretrain.cache import ImageCache

Floats: TypeAlias = NDArray[np.float32]
Bytes: TypeAlias = NDArray[np.uint8]
Positions: TypeAlias = NDArray[np.int64]

MIRRORED_FRAC = 0.5
GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRecipe:
    """How views are drawn.

    Attributes:
        size_px: Edge of a view.
        mosaic_frac: Share of views cut from a 2x2 mosaic, 0 to 1; the others are crops of one photograph.
        min_area_frac: Smallest share of a photograph that a crop keeps, 0 to 1.
        colour_strength: Largest relative change of brightness, contrast and saturation; 0 leaves colours alone.
        grey_frac: Share of views without colour, 0 to 1.
    """

    size_px: int = 96
    mosaic_frac: float = 0.4
    min_area_frac: float = 0.35
    colour_strength: float = 0.3
    grey_frac: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One training batch.

    Attributes:
        pixels: `(num_views, size_px, size_px, 3) float32`, -1 to 1.
        labels: `(num_views,) int32`, the class of a crop and -1 for a mosaic, which has four.
    """

    pixels: Floats
    labels: NDArray[np.int32]


def draw_batch(
    cache: ImageCache, positions: Positions, *, recipe: ViewRecipe, batch_size: int, generator: np.random.Generator
) -> Batch:
    """Draw `batch_size` views of photographs at `positions`; equal generators give equal batches."""
    num_mosaics = round(recipe.mosaic_frac * batch_size)
    chosen = generator.choice(positions, size=batch_size + 3 * num_mosaics)
    views = np.empty((batch_size, recipe.size_px, recipe.size_px, 3), dtype=np.uint8)
    labels = np.full(batch_size, -1, dtype=np.int32)
    for number in range(batch_size):
        if number < num_mosaics:
            views[number] = _mosaic_cut(cache, chosen[4 * number : 4 * number + 4], recipe.size_px, generator)
        else:
            position = chosen[3 * num_mosaics + number]
            views[number] = _crop(cache.images[position], recipe, generator)
            labels[number] = cache.labels[position]
    order = generator.permutation(batch_size)
    pixels = _recolour(views[order], recipe, generator)
    return Batch(pixels=pixels, labels=labels[order])


def centred_batch(images: Bytes, size_px: int) -> Floats:
    """Whole photographs enlarged to `size_px` and scaled to -1 to 1: what validation looks at."""
    resized = [Image.fromarray(image).resize((size_px, size_px), Image.Resampling.BILINEAR) for image in images]
    return np.stack([np.asarray(image, dtype=np.float32) for image in resized]) / 127.5 - 1.0


def _crop(image: Bytes, recipe: ViewRecipe, generator: np.random.Generator) -> Bytes:
    edge = image.shape[0]
    area = generator.uniform(recipe.min_area_frac, 1.0) * edge * edge
    aspect = np.exp(generator.uniform(-np.log(4 / 3), np.log(4 / 3)))
    width, height = min(edge, np.sqrt(area * aspect)), min(edge, np.sqrt(area / aspect))
    return _cut(image, (width, height), recipe.size_px, generator)


def _mosaic_cut(cache: ImageCache, positions: Positions, size_px: int, generator: np.random.Generator) -> Bytes:
    cells = [image[:, ::-1] if generator.random() < MIRRORED_FRAC else image for image in cache.images[positions]]
    canvas = np.vstack([np.hstack(cells[:2]), np.hstack(cells[2:])])
    edge = generator.uniform(1.0, 2.0) * cache.image_size_px
    return _cut(canvas, (edge, edge), size_px, generator)


def _cut(canvas: Bytes, box_px: tuple[float, float], size_px: int, generator: np.random.Generator) -> Bytes:
    width, height = box_px
    left = generator.uniform(0, canvas.shape[1] - width)
    top = generator.uniform(0, canvas.shape[0] - height)
    box = (left, top, min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0]))
    image = Image.fromarray(canvas).resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)
    view = np.asarray(image)
    return view[:, ::-1] if generator.random() < MIRRORED_FRAC else view


def _recolour(views: Bytes, recipe: ViewRecipe, generator: np.random.Generator) -> Floats:
    pixels = views.astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)
    strength, shape = recipe.colour_strength, (len(views), 1, 1, 1)
    gain = generator.uniform(1 - strength, 1 + strength, shape).astype(np.float32)
    shift = generator.uniform(-strength, strength, shape).astype(np.float32)
    saturation = generator.uniform(1 - strength, 1 + strength, shape).astype(np.float32)
    saturation[generator.random(shape) < recipe.grey_frac] = 0
    grey = (pixels @ GREY_WEIGHTS)[..., np.newaxis]
    pixels -= grey
    pixels *= saturation * gain
    pixels += grey * gain + shift
    return np.clip(pixels, -1, 1, out=pixels)
