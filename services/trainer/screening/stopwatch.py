"""How fast images go through a network, told while they do. Pure."""

from collections.abc import Callable


class Stopwatch:
    """How long an image takes. The first batch of all pays for what later ones find done, so it counts only alone.

    Args:
        monotonic: Seconds on a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since = 0.0
        self._first: float | None = None
        self._seconds = 0.0
        self._num_images = 0

    @property
    def image_s(self) -> float | None:
        """Seconds; ``None`` before the first batch."""
        return self._seconds / self._num_images if self._num_images else self._first

    @property
    def is_settled(self) -> bool:
        """Tell whether it is known of more than the first batch."""
        return self._num_images > 0

    def start(self) -> None:
        """Begin to measure, or go on after a pause."""
        self._since = self._monotonic()

    def note(self, num_images: int) -> None:
        """Count a batch that ends now."""
        now = self._monotonic()
        if self._first is None:
            self._first = (now - self._since) / num_images
        else:
            self._seconds += now - self._since
            self._num_images += num_images
        self._since = now
