"""How slow the peer of a transfer may be: pure, so that it can be held against a clock that is turned by hand."""


class Pace:
    """A peer may fall behind by a certain time; every byte makes up for some of what was waited.

    A peer that sends nothing is given up after ``stall_s``, and so is, a little later, one that sends less than
    ``min_bytes_per_s``; one that is faster than that is never given up, however long it takes. Haste is not saved up
    for a longer pause than ``stall_s``.

    Args:
        stall_s: Longest time to fall behind, in seconds.
        min_bytes_per_s: Speed that a peer has to keep up.
    """

    __slots__ = ("_min_bytes_per_s", "_stall_s", "left_s")

    def __init__(self, *, stall_s: float, min_bytes_per_s: float) -> None:
        self._stall_s = self.left_s = stall_s
        self._min_bytes_per_s = min_bytes_per_s

    @property
    def is_lost(self) -> bool:
        """Whether the peer is to be given up."""
        return self.left_s <= 0

    def waited(self, seconds: float) -> None:
        """Tell that one waited for the peer."""
        self.left_s -= seconds

    def moved(self, num_bytes: int) -> None:
        """Tell that bytes went to or came from the peer."""
        self.left_s = min(self._stall_s, self.left_s + num_bytes / self._min_bytes_per_s)
