"""Two networks on the same photographs: which were gained, which lost, and whether that is more than luck. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.interval import mcnemar
from shared.job.findings.comparison import Comparison

_MOST_NAMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a network said of a test photograph: its class, and the class that it was taken for."""

    actual: str
    predicted: str

    @property
    def is_right(self) -> bool:
        """Tell whether it was recognised."""
        return self.actual == self.predicted


def hold_against(answers: Mapping[str, Answer], said: Mapping[str, str], *, job_id: str, winner: str) -> Comparison:
    """Hold a network against an older one; both are judged by the classes that the newer one is.

    Args:
        answers: Of the newer network about its test photographs, by path.
        said: What the older network says of photographs from which it has not learnt, by path; others are left out.
        job_id: Of the older one.
        winner: Its backbone.
    """
    paired = {path: answer for path, answer in answers.items() if path in said}
    was_right = {path: said[path] == answer.actual for path, answer in paired.items()}
    gained = [path for path, answer in paired.items() if answer.is_right and not was_right[path]]
    lost = [path for path, answer in paired.items() if was_right[path] and not answer.is_right]
    total = max(1, len(paired))
    return Comparison(
        job_id=job_id,
        winner=winner,
        num_images=len(paired),
        num_left_out=len(answers) - len(paired),
        accuracy=sum(answer.is_right for answer in paired.values()) / total,
        older_accuracy=sum(was_right.values()) / total,
        gained=tuple(gained[:_MOST_NAMED]),
        lost=tuple(lost[:_MOST_NAMED]),
        num_gained=len(gained),
        num_lost=len(lost),
        p_value=mcnemar(len(gained), len(lost)),
    )
