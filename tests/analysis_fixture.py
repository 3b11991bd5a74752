"""What an analysis finds, for results of any classes."""

from collections.abc import Callable, Sequence

from shared.interval import wilson_interval
from shared.job.findings.certainty import AnswerSets, Certainty, Coverage, ReliabilityBin, StrangerCheck, Strangers
from shared.job.findings.growth import ClassGrowth, Growth, GrowthPoint
from shared.job.findings.suspects import Suspect, Suspects, Twins


def certainty() -> Certainty:
    """Return thresholds of a network that is right on 83 %."""
    curve = tuple(
        Coverage(
            threshold=threshold,
            answered=answered,
            right=right,
            interval=wilson_interval(480 * answered * right, 480 * answered),
        )
        for threshold, answered, right in ((0.0, 1.0, 0.83), (0.5, 0.93, 0.87), (0.8, 0.71, 0.97), (0.95, 0.4, 0.99))
    )
    return Certainty(
        num_images=480,
        is_cross_validated=True,
        curve=curve,
        threshold=0.8,
        target=0.95,
        tested=Coverage(threshold=0.8, answered=0.7, right=0.964, interval=(0.9, 0.987)),
        sets=AnswerSets(level=0.9, least_probability=0.21, mean_size=1.3, covered=0.91),
        reliability=tuple(
            ReliabilityBin(num_images=24, stated=stated, right=right, interval=wilson_interval(24 * right, 24))
            for stated, right in ((0.42, 0.5), (0.7, 0.67), (0.88, 0.92), (0.96, 1.0), (0.99, 1.0))
        ),
        strangers=Strangers(auroc=0.76, caught=0.32, hardest="shorts", hardest_auroc=0.63),
        check=StrangerCheck(num_references=400, limit=0.71, expected=0.05, num_images=48, num_above=2),
    )


def suspects(names: Sequence[str], thumbnail: Callable[[int], str]) -> Suspects:
    """Return three photographs of which two are likely misfiled, and a pair in two classes."""
    first, second = names[0], names[1]
    listed = tuple(
        Suspect(
            path=f"photos/{first}/{number}.jpg",
            filed_as=first,
            looks_like=second,
            probability=0.97 - 0.2 * number,
            filed_probability=0.004 + 0.1 * number,
            thumbnail_jpeg_base64=thumbnail(17 * number),
        )
        for number in range(3)
    )
    twins = Twins(paths=(f"photos/{first}/12.jpg", f"photos/{second}/98.jpg"), classes=(first, second))
    return Suspects(num_examined=480, num_likely=2, listed=listed, twins=(twins,), num_twins=1)


def growth(names: Sequence[str]) -> Growth:
    """Return a curve that still rises."""
    points = ((96, 0.71), (192, 0.77), (384, 0.83), (768, 0.87))
    told = [
        GrowthPoint(num_images=size, accuracy=accuracy, interval=(accuracy - 0.035, accuracy + 0.03))
        for size, accuracy in points
    ]
    classes = tuple(
        ClassGrowth(name=name, num_images=48, found=found, found_doubled=found + 0.3 * (1 - found), taken_for=names[0])
        for name, found in zip(names[1:4], (0.58, 0.74, 0.9), strict=False)
    )
    return Growth(points=tuple(told[:-1]), doubled=told[-1], classes=classes)
