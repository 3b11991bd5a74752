"""Two networks on the same photographs: which were gained, which lost, and whether that is more than luck. Pure."""

from collections.abc import Mapping

from services.onebox.results.folder import Answer, Results
from shared.interval import mcnemar
from shared.job.findings.comparison import Comparison

LEARNT_FROM = frozenset({"train", "validation"})
"""A network may know photographs that served it so by heart."""
_MOST_NAMED = 100


def fair_paths(newer: Results, older: Results) -> list[str]:
    """Return the test photographs of the newer network from which the older one has not learnt, by path."""
    return [path for path in newer.answers if older.parts.get(path) not in LEARNT_FROM]


def compare(newer: Results, older: Results, said: Mapping[str, str]) -> Comparison:
    """Hold a network against an older one.

    Args:
        newer: Its test decides which photographs are asked about.
        older: What it has learnt from is left out.
        said: What the older network says of photographs, by path: from its own test, or asked now.
    """
    answers = {path: newer.answers[path] for path in fair_paths(newer, older) if path in said}
    was_right = {path: said[path] == answer.actual for path, answer in answers.items()}
    gained = [path for path, answer in answers.items() if answer.is_right and not was_right[path]]
    lost = [path for path, answer in answers.items() if was_right[path] and not answer.is_right]
    total = max(1, len(answers))
    return Comparison(
        job_id=older.result.job_id,
        winner=older.result.winner,
        num_images=len(answers),
        num_left_out=len(newer.answers) - len(answers),
        accuracy=sum(answer.is_right for answer in answers.values()) / total,
        older_accuracy=sum(was_right.values()) / total,
        gained=tuple(gained[:_MOST_NAMED]),
        lost=tuple(lost[:_MOST_NAMED]),
        num_gained=len(gained),
        num_lost=len(lost),
        p_value=mcnemar(len(gained), len(lost)),
    )


def own_answers(answers: Mapping[str, Answer]) -> dict[str, str]:
    """Return what a network said in its own test, by path."""
    return {path: answer.predicted for path, answer in answers.items()}
