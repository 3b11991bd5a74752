"""Colours of 10, 12 and 14 bits that are stored in 16, of which Pillow decodes the upper 8 only: next to black.

Part of the one reader of ``picture.py``, and as such of the delivered program.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.pictures.depth import basis_of, strips, usual_white

_NATIVE = "16L" if sys.byteorder == "little" else "16B"
_GREY_WITH_ALPHA = "LA;16B"
"""Of PNGs; Pillow reads it into four channels, and knows no such mode the other way round."""
_OTHER_ORDER = {"16B": "16L", "16L": "16B"}
_FEWER_BITS_MAX = 63
"""The upper 8 bits of a value of 14."""


def holds_deep_colours(image: Image.Image) -> bool:
    """Tell whether an opened picture has three or four channels of 16 bits."""
    return image.mode in ("RGB", "RGBA") and any(";16" in _raw_mode(tile) for tile in _tiles(image))


def lit(image: Image.Image, load_lower: Callable[[], Image.Image]) -> tuple[Image.Image, str]:
    """Scale deep colours by the bits in use; those that use 16 come back as they are.

    Args:
        image: Decoded, the upper 8 bits of each value.
        load_lower: Decodes the lower 8.

    Returns:
        The picture, and what its range was judged by.
    """
    extrema: Any = image.getextrema()
    highest = [high for _, high in extrema]
    if max(highest[:3]) > _FEWER_BITS_MAX or not max(highest[:3]):
        return image, ""
    lower = load_lower()
    whites = _whites(image, lower)
    scaled = Image.new(image.mode, image.size)
    for (top, upper_strip), (_, lower_strip) in zip(strips(image), strips(lower), strict=True):
        values = _together(upper_strip, lower_strip) * (np.float32(255) / whites)
        scaled.paste(Image.fromarray(np.rint(values).astype(np.uint8), image.mode), (0, top))
    return scaled, basis_of(float(whites[0]))


def of_lower_bytes(image: Image.Image) -> Image.Image:
    """Have an opened picture decoded to the lower 8 bits of each value: as if its bytes stood the other way round."""
    tiles: Any = image
    if any(_raw_mode(tile) == _GREY_WITH_ALPHA for tile in _tiles(image)):
        tiles.tile = [
            tile._replace(args="RGBA") for tile in _tiles(image)
        ]  # upper and lower grey, upper and lower alpha
        _, grey, _, alpha = image.split()
        return Image.merge("RGBA", (grey, grey, grey, alpha))
    tiles.tile = [tile._replace(args=_swapped(tile.args)) for tile in _tiles(image)]
    return image


def _tiles(image: Image.Image) -> list[Any]:
    return list(getattr(image, "tile", ()))


def _raw_mode(tile: Any) -> str:
    return str(tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args)


def _swapped(args: Any) -> Any:
    if isinstance(args, tuple):
        return (_swapped(args[0]), *args[1:])
    mode, _, order = str(args).partition(";")
    return f"{mode};{_OTHER_ORDER[_NATIVE if order == '16N' else order]}"


def _together(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = upper.astype(np.float32) * np.float32(256) + lower
    return values


def _whites(image: Image.Image, lower: Image.Image) -> NDArray[np.float32]:
    """Return what is white in every channel: the same in all colours, transparency by itself."""
    highest = np.zeros(len(image.getbands()), np.float32)
    for (_, upper_strip), (_, lower_strip) in zip(strips(image), strips(lower), strict=True):
        highest = np.maximum(highest, _together(upper_strip, lower_strip).max(axis=(0, 1)))
    colour = usual_white(float(highest[:3].max()))
    return np.array([colour] * 3 + [usual_white(float(each)) for each in highest[3:]], np.float32)
