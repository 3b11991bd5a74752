"""How sure the choice among the candidates is, kept in the ledger. Without TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.comparison.optimism import best_of_several
from services.trainer.fitting.comparison.paired import groups_that_differ
from services.trainer.fitting.out_of_fold import OutOfFold, Tried
from services.trainer.run.context import Ledger, LedgerEntry
from shared.interval import mcnemar
from shared.job.findings.training import Choice
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json

_TRIAL = "choice"


def judge_choice(judged: Sequence[tuple[str, OutOfFold]], groups: NDArray[np.int64], *, seed: int) -> Choice | None:
    """Return how sure the choice of the first of several is.

    Args:
        judged: Names of all candidates that finished, each with what cross-validation found; the winner first, then
            the others from the best on.
        groups: Of all images of the data set; copies, and what the person wants together, have the same number.
        seed: Of the bootstrap.
    """
    winner, others = judged[0][1], judged[1:]
    tried = [answers.tried for _, answers in judged if answers.tried is not None]
    if not tried:
        return None
    every, of_images = Tried.together(tried), groups[winner.rows]
    optimism = float(winner.right.mean()) - best_of_several(every, of_images, seed=seed)
    alone = Choice(num_tried=len(every.right), optimism=optimism)
    if not others:
        return alone
    ahead, behind = groups_that_differ(winner.right, others[0][1].right, of_images)
    return replace(
        alone,
        runner_up=others[0][0],
        winner_only=ahead,
        runner_up_only=behind,
        p_value=mcnemar(ahead, behind),
    )


def beside_who_left(choice: Choice, winner: str, rounds: Mapping[str, Sequence[NDArray[np.bool_]]]) -> Choice:
    """Hold the only one that ran to the end against the best of those that left, on the last sample that both ran.

    Args:
        choice: Without a runner-up.
        winner: Its name.
        rounds: Of every racer, by name, which images of each sample it read rightly; none is a copy of another.
    """
    mine, others = rounds.get(winner), [(name, found) for name, found in rounds.items() if name != winner and found]
    if not mine or not others:
        return choice
    name, theirs = max(others, key=lambda other: (len(other[1]), other[1][-1].mean()))
    place = min(len(mine), len(theirs)) - 1
    first, second = mine[place], theirs[place]
    ahead, behind = int((first & ~second).sum()), int((second & ~first).sum())
    return replace(
        choice,
        runner_up=name,
        winner_only=ahead,
        runner_up_only=behind,
        p_value=mcnemar(ahead, behind),
        num_sampled=len(first),
    )


def record_choice(ledger: Ledger, choice: Choice) -> None:
    """Keep how sure a choice was, for attempts that see the winner alone."""
    ledger.record(
        LedgerEntry(trial=Trial(name=_TRIAL, state=TrialState.DONE), document=to_json(choice), is_shown=False)
    )


def recall_choice(ledger: Ledger) -> Choice | None:
    """Return what an earlier attempt found."""
    entry = ledger.find(_TRIAL)
    return entry.document_as(Choice) if entry is not None else None
