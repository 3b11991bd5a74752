"""A network beside an older one, on the same photographs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """With which corrections a network was trained again, from the archive of an older job and split as that one was.

    Args:
        job_id: Of the older job.
        num_moved: Photographs that a person put into another class.
        num_left_out: Photographs that a person left out.
        num_test_moved: Of those moved, test photographs: both networks are judged by the class that the person named.
        num_test_left_out: Of those left out, test photographs: they judge neither network.
    """

    job_id: str
    num_moved: int
    num_left_out: int
    num_test_moved: int = 0
    num_test_left_out: int = 0

    @property
    def num(self) -> int:
        """All of them together."""
        return self.num_moved + self.num_left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two networks that were asked about the same photographs, of which neither had learnt.

    Args:
        job_id: Of the older one's job.
        winner: Its backbone.
        num_images: Photographs that both were asked about.
        num_left_out: Test photographs of the newer one from which the older had learnt, or of which it cannot say.
        accuracy: Share of these that the newer one reads rightly.
        older_accuracy: Share of these that the older one reads rightly.
        gained: Paths that only the newer one reads rightly; of very many the first.
        lost: Paths that only the older one reads rightly; likewise.
        num_gained: How many these are.
        num_lost: Likewise.
        p_value: Of McNemar's exact test, two-sided: how probable such a difference is between equally good networks.
    """

    job_id: str
    winner: str
    num_images: int
    num_left_out: int
    accuracy: float
    older_accuracy: float
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    num_gained: int
    num_lost: int
    p_value: float

    @property
    def is_luck(self) -> bool:
        """Tell whether chance alone would do as much in one case of twenty."""
        return self.p_value >= 0.05  # noqa: PLR2004 - the usual bound

    @property
    def outcome(self) -> str:
        """What to make of it, in one sentence."""
        told = f"{self.num_gained:,} photograph{'' if self.num_gained == 1 else 's'} gained, {self.num_lost:,} lost"
        if self.is_luck:
            return f"{told}: within luck (p = {self.p_value:.2f}), so neither is shown to be better."
        better = "better" if self.num_gained > self.num_lost else "worse"
        return f"{told}: {better}, and not by luck (p = {self.p_value:.3g})."
