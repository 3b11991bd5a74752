"""Screening: every candidate's head on what its frozen base made of the images; the best on unlearnt images wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.data.assignment import recall_fewer
from services.trainer.data.dataset import MISSING, LearningSet
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.context import Run, Stopped
from services.trainer.run.deadline import Pace
from services.trainer.run.identity import Facts
from services.trainer.screening.candidate import OpenStore, open_store
from services.trainer.screening.choice import beside_who_left, judge_choice, recall_choice, record_choice
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.selection import Selection
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.head import Head
from services.trainer.zoo.sources.weights import WeightsFile
from shared.errors import UserFault
from shared.job.findings.training import CandidateResult, Choice

Usable = Sequence[tuple[Backbone, WeightsFile | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What screening found.

    Args:
        candidates: Every candidate that was given, in the order of the catalogue, then combinations of the best.
        winner: The cheapest backbone that none beats clearly, or by validation accuracy where heads learnt by epochs.
        weights: Its weights.
        head: Its head.
        out_of_fold: What cross-validation found of it, image by image; ``None`` where its head learnt by epochs.
        result: Its entry in ``candidates``.
        store: Its features and activations; ``None`` where an earlier worker computed them.
        choice: How sure the choice is; ``None`` where heads learnt by epochs.
        pace: How fast the winner goes, as this attempt measured it or an earlier one; ``None`` where none did.
    """

    candidates: tuple[CandidateResult, ...]
    winner: Backbone
    weights: WeightsFile | None
    head: Head
    out_of_fold: OutOfFold | None
    result: CandidateResult
    store: FeatureStore | None
    choice: Choice | None = None
    pace: Pace | None = None


def screen(
    dataset: LearningSet,
    usable: Usable,
    run: Run,
    plan: HeadPlan,
    *,
    racing: bool = False,
    open_store: OpenStore = open_store,
) -> Screening:
    """Fit the head of every candidate, the cheapest candidate first.

    A candidate that an earlier worker finished on the same data with the same weights is taken from the ledger; one
    that fails does not cost the others; one that cannot end within the budget is skipped.

    Args:
        dataset: Prepared at the input size of every candidate.
        usable: Candidates with their weights.
        run: See there.
        plan: How heads are fitted.
        racing: Whether to try a sample first and give only the best few the whole data set, where that saves time.
        open_store: Builds networks.

    Raises:
        Stopped: If the run was to stop before any candidate was done.
        UserFault: ``no_candidate_worked``, if all of them failed.
    """
    entries = sorted(usable, key=lambda pair: pair[0].gflops)
    selection = Selection(dataset=dataset, run=_on(dataset.facts, run), plan=plan, open_store=open_store)
    selection.hold(entries, racing=racing)
    if selection.best is None and run.stop_reason() is not None and (others := _facts_of_others(dataset, run)):
        # What an earlier attempt finished on a few photographs more, or fewer, may be delivered, and compared with
        # nothing.
        selection = Selection(dataset=dataset, run=_on(others, run), plan=plan, open_store=open_store)
        selection.hold(entries, racing=False)
    best = selection.best
    if best is None:
        raise _nothing_trained(run, selection.results)
    return Screening(
        candidates=_in_order_given(selection.results, usable),
        winner=best.backbone,
        weights=best.weights,
        head=best.head,
        out_of_fold=best.out_of_fold,
        result=best.result,
        store=best.store,
        choice=_choice(dataset, selection),
        pace=best.pace,
    )


def _on(facts: Facts, run: Run) -> Run:
    """Return a run whose ledger is of a data set."""
    return replace(run, ledger=run.ledger.of(facts))


def _facts_of_others(dataset: LearningSet, run: Run) -> Facts | None:
    """Return what an attempt worked with that could read more than this one, or less; ``None`` where none could."""
    if MISSING in dataset.facts:
        return {name: value for name, value in dataset.facts.items() if name != MISSING}
    fewer = recall_fewer(_on(dataset.facts, run).ledger)
    return {**dataset.facts, MISSING: fewer.missing} if fewer is not None else None


def _choice(dataset: LearningSet, selection: Selection) -> Choice | None:
    """Return how sure the choice is; an attempt that sees the winner alone asks the ledger."""
    run, rows = selection.run, learning_rows(dataset)
    judged = [(each.backbone.name, each.out_of_fold) for each in selection.in_order()]
    if judged[0][1] is None:  # what is known of others that were fitted to their end says nothing of the winner
        return None
    known = [(name, answers) for name, answers in judged if answers is not None and np.array_equal(answers.rows, rows)]
    if len(known) < 2 and (recalled := recall_choice(run.ledger)) is not None:  # noqa: PLR2004 - a pair
        return recalled
    choice = judge_choice(known, dataset.kept_together, seed=run.seed) if known else None
    if choice is not None and choice.runner_up is None:
        choice = beside_who_left(choice, known[0][0], selection.rounds)
    if choice is not None:
        record_choice(run.ledger, choice)
    return choice


def _in_order_given(results: Mapping[str, CandidateResult], usable: Usable) -> tuple[CandidateResult, ...]:
    """Return what became of every candidate, and after them of combinations."""
    given = [backbone.name for backbone, _ in usable]
    combined = [name for name in results if name not in given]
    return tuple(results[name] for name in (*given, *combined))


def _nothing_trained(run: Run, results: Mapping[str, CandidateResult]) -> Stopped | UserFault:
    reason = run.stop_reason()
    if reason is not None:
        return Stopped(reason)
    return UserFault(
        "no_candidate_worked",
        "none of the candidates could be trained",
        fix="choose other candidates; the reason stands beside each of them",
        details={"candidates": [{"name": name, "reason": each.skipped_because} for name, each in results.items()]},
    )
