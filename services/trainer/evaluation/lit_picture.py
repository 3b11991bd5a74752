"""Small pictures of where a network looks: what counts for a class stays bright, the rest is darkened. Pure."""

import base64
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_DIM, _WARMTH = 0.3, np.array([1.06, 1.0, 0.82])
_PERCENTILE = 98
"""Brightest, so that a single place does not leave all others in the dark."""


def thumbnail(square: NDArray[np.uint8], px: int, *, quality: int = 80) -> str:
    """Return a picture as a small JPEG in base64.

    Args:
        square: ``(height_px, width_px, 3) uint8``.
        px: Its longer side, at most.
        quality: Of the JPEG.
    """
    image = Image.fromarray(np.asarray(square))
    image.thumbnail((px, px))
    data = BytesIO()
    image.save(data, "JPEG", quality=quality)
    return base64.b64encode(data.getvalue()).decode()


def lit(square: NDArray[np.uint8], heat: NDArray[np.float32], px: int) -> str:
    """Return a picture lit up where it speaks for a class, as a small JPEG in base64.

    Args:
        square: ``(side_px, side_px, 3) uint8``.
        heat: ``(rows, columns)``: what each place adds to the score; what speaks against it stays dark.
        px: Side of the picture.
    """
    small = np.asarray(Image.fromarray(np.asarray(square)).resize((px, px)), np.float32)
    light = np.maximum(heat, 0)
    light = np.minimum(1, light / max(float(np.percentile(light, _PERCENTILE)), 1e-9))
    shade = np.asarray(Image.fromarray(light.astype(np.float32)).resize((px, px), Image.Resampling.BICUBIC))
    shade = np.clip(shade, 0, 1)[..., None]
    shown = small * (_DIM + (1 - _DIM) * shade) * (1 + (_WARMTH - 1) * shade)
    return thumbnail(np.minimum(shown, 255).astype(np.uint8), px)
