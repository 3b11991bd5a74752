"""Which photographs two networks can fairly be asked about, and how they compare. Pure."""

from collections.abc import Mapping

from services.onebox.results.folder import Results
from shared.job.findings.comparison import Comparison
from shared.job.retraining.handover import TRAIN, VALIDATION
from shared.job.retraining.pairing import Answer, hold_against

LEARNT_FROM = frozenset({TRAIN, VALIDATION})
"""A network may know photographs that served it so by heart."""


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
    fair = {path: said[path] for path in fair_paths(newer, older) if path in said}
    return hold_against(newer.answers, fair, job_id=older.result.job_id, winner=older.result.winner)


def own_answers(answers: Mapping[str, Answer]) -> dict[str, str]:
    """Return what a network said in its own test, by path."""
    return {path: answer.predicted for path, answer in answers.items()}
