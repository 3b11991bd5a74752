"""``python -m tools.verdict_page``: writes into docs/verdict.md how often the rule errs on simulated tests.

A network of a known accuracy is tested on photographs drawn by chance; the verdict is what the rule says of that test.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.trainer.evaluation.metrics import expected_calibration_error
from shared.interval import wilson_interval
from shared.job.findings.verdict import Grade
from shared.job.verdict.evidence import Evidence, clear_calibration_error
from shared.job.verdict.rule import class_evidence, judge

PAGE = Path(__file__).parents[1] / "docs" / "verdict.md"
START, END = "<!-- simulated -->", "<!-- /simulated -->"
NUM_TESTS = 1000
_SPREAD = 4.0
"""Of stated probabilities around their mean: the smaller, the more they differ from photograph to photograph."""
CLASSES = (2, 10)
PER_CLASS = (10, 30, 100)
ACCURACIES = ("guessing", 0.6, 0.8, 0.9, 0.95, 0.99)


def simulated(num_classes: int, per_class: int, accuracy: float, generator: np.random.Generator) -> Grade:
    """Return the grade of one test of a network that is right as often as it says."""
    total = num_classes * per_class
    stated = generator.beta(_SPREAD * accuracy, _SPREAD * (1 - accuracy), total)
    is_right = generator.random(total) < stated
    right = is_right.reshape(num_classes, per_class).sum(axis=1).tolist()
    low, _ = wilson_interval(sum(right), total)
    evidence = Evidence(
        accuracy=sum(right) / total,
        low=low,
        guessing=1 / num_classes,
        classes=tuple(class_evidence(str(label), num, per_class) for label, num in enumerate(right)),
        calibration_error=clear_calibration_error(
            expected_calibration_error(stated, is_right), sum(right) / total, total
        ),
    )
    return judge(evidence).grade


def rates(num_classes: int, per_class: int, accuracy: float, *, num_tests: int = NUM_TESTS) -> dict[Grade, float]:
    """Return how often each grade is given."""
    generator = np.random.default_rng((num_classes, per_class, round(1000 * accuracy)))
    counts = Counter(simulated(num_classes, per_class, accuracy, generator) for _ in range(num_tests))
    return {grade: counts[grade] / num_tests for grade in Grade}


def table() -> str:
    """Return the simulation as Markdown."""
    lines = [
        "| classes | test photographs of each | truly right | do not use | check every answer | with review | good |",
        "|---|---|---|---|---|---|---|",
    ]
    for num_classes in CLASSES:
        for per_class in PER_CLASS:
            for told in ACCURACIES:
                accuracy = 1 / num_classes if isinstance(told, str) else told
                found = rates(num_classes, per_class, accuracy)
                lines.append(_row(num_classes, per_class, told, [found[grade] for grade in Grade]))
    return "\n".join(lines)


def _row(num_classes: int, per_class: int, told: str | float, shares: Sequence[float]) -> str:
    name = told if isinstance(told, str) else f"{told:.0%}"
    return f"| {num_classes} | {per_class} | {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |"


def main() -> None:
    """Replace the table of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
