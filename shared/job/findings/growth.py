"""What more photographs would bring."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint:
    """Accuracy of heads that learnt from so many photographs.

    Args:
        num_images: Learnt from, on average over the folds.
        accuracy: On photographs that they had not learnt from.
        interval: 95 % band.
    """

    num_images: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGrowth:
    """One class.

    Args:
        name: Of the class.
        num_images: Its photographs in training and validation.
        found: Share that is recognised now, cross-validated.
        found_doubled: Expected with twice as many photographs of every class.
        taken_for: The class that it is most often taken for; empty where it is always found.
    """

    name: str
    num_images: int
    found: float
    found_doubled: float
    taken_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Learning curve from parts of the photographs, and where it leads.

    Args:
        points: By number of photographs, ascending; the last is all.
        doubled: What twice as many would bring if the curve goes on as it went.
        classes: Every class, the least found first.
    """

    points: tuple[GrowthPoint, ...]
    doubled: GrowthPoint
    classes: tuple[ClassGrowth, ...]
