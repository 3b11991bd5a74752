"""How sure the network must be before it is believed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What becomes of answers if only those above a threshold are given.

    Args:
        threshold: Least probability of the best class, 0 to 1.
        answered: Share of photographs that are answered.
        right: Share of these answers that are right; 1 where nothing is answered.
        interval: 95 % Wilson interval of ``right``.
    """

    threshold: float
    answered: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Answers of like probability.

    Args:
        num_images: So many.
        stated: Their mean probability.
        right: Share of them that is right.
        interval: 95 % Wilson interval of ``right``.
    """

    num_images: int
    stated: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSets:
    """Sets of classes that hold the right one with a stated probability, whatever the network is worth.

    Args:
        level: That probability, at least, over photographs like those of the test.
        least_probability: A class belongs to the set if it is at least as probable; the best class always does.
        mean_size: Classes in a set on average, on photographs that the level does not rest on.
        covered: Share of these whose set holds the right class.
    """

    level: float
    least_probability: float
    mean_size: float
    covered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """How well photographs of something else are told by their distance to what was learnt from.

    Each class is taken for a stranger once: its photographs have to look farther from all others than these look from
    their own.

    Args:
        auroc: Probability that a stranger lies farther away than a photograph of a known class; 0.5: no better than
            chance.
        caught: Share of the strangers that are recognised if 1 in 20 of the known is taken for one.
        hardest: The class that is told worst, being most like the others.
        hardest_auroc: The same of this class alone.
    """

    auroc: float
    caught: float
    hardest: str
    hardest_auroc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerCheck:
    """What the delivered network calls unlike every photograph it has seen, by its distance to some of them.

    Args:
        num_references: Photographs of the training that the delivery compares with.
        limit: Distance above which it says so, 0 to 2.
        expected: Share of photographs like those of the training that lie above it, at most.
        num_images: Test photographs.
        num_above: Of these.
    """

    num_references: int
    limit: float
    expected: float
    num_images: int
    num_above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """How sure it must be; from answers to photographs that whoever answered had not learnt from.

    Args:
        num_images: Photographs that this rests on: training and validation, cross-validated, or the validation split.
        is_cross_validated: Whether it is the former.
        curve: By threshold, ascending from 0.
        threshold: The recommended one; 0 where every answer may be taken; ``None`` where none makes answers reliable.
        target: Share of answers that are right above it, at least, by the lower end of the interval.
        tested: What the threshold does on the test photographs; ``None`` without a threshold.
        sets: See there; ``None`` where the test is too small.
        reliability: Stated against true, on the test photographs, by ascending probability.
        strangers: See there; ``None`` where features are not kept.
        check: What is delivered to tell strangers; ``None`` where that is nothing.
    """

    num_images: int
    is_cross_validated: bool
    curve: tuple[Coverage, ...]
    threshold: float | None
    target: float
    tested: Coverage | None = None
    sets: AnswerSets | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    strangers: Strangers | None = None
    check: StrangerCheck | None = None
