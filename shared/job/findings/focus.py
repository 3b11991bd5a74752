"""Where the network looks: small pictures, lit up where they speak for a class."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A test image that was read rightly.

    Args:
        path: In the archive.
        actual: Its class.
        confidence: Calibrated probability of it.
        thumbnail_jpeg_base64: A small picture of it.
        heat_jpeg_base64: The same, lit up where it speaks for its class.
    """

    path: str
    actual: str
    confidence: float
    thumbnail_jpeg_base64: str
    heat_jpeg_base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFocus:
    """Where the network looks for a class, on the mean over some of its test images.

    Args:
        name: Of the class.
        num_images: How many these are.
        heat_jpeg_base64: The mean picture, lit up by the mean map.
    """

    name: str
    num_images: int
    heat_jpeg_base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """Where the network looks, as far as there was time.

    Args:
        hits: A few, the surest of their classes.
        classes: Those with most test images.
    """

    hits: tuple[Hit, ...] = ()
    classes: tuple[ClassFocus, ...] = ()
