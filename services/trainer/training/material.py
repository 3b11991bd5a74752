"""What a run works on: candidates and photographs; where time is short, no more than delivering needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.trainer.data.dataset import Dataset
from services.trainer.data.prepare import identify, prepare, prepare_held_out
from services.trainer.protocol import StopReason
from services.trainer.run.context import Run, Stopped
from services.trainer.run.deadline import UNMEASURED_S
from services.trainer.run.identity import RunKey
from services.trainer.screening.standing import Standing, find_standing
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.candidate_list import settle
from services.trainer.zoo.combination.row import combined_weights
from services.trainer.zoo.sources.weights import Resolution, WeightsFile
from shared.errors import UserFault
from shared.job.findings.training import CandidateResult
from shared.job.job import TrialState
from shared.job.options import JobOptions
from shared.job.result import Remark
from shared.job.retraining.handover import Handover

Usable = Sequence[tuple[Backbone, WeightsFile]]


class ArchiveRefused(UserFault):
    """The archive turned out to be unusable when its images were decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a run works on.

    Args:
        usable: Candidates with their weights; the winner alone where nothing is trained any more.
        others: What became of the other candidates, or why they take no part.
        dataset: The photographs; without those to learn from where nothing is trained any more.
        run: The run itself, which from here on ends at once where nothing is trained any more.
        handover: What another job handed this one.
        remarks: What a person should know of how it is done.
    """

    usable: Usable
    others: tuple[CandidateResult, ...]
    dataset: Dataset
    run: Run
    handover: Handover | None = None
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """How candidates find room on the disk.

    Args:
        run: Knows what room they leave, and how much may be kept.
        found: Those that find room.
        remarks: What a person should know of it.
    """

    run: Run
    found: Resolution
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the material comes from.

    Args:
        archive: The zip on the local disk.
        options: The person's choices.
        resolve: Finds the weights of the candidates named.
        admit: Told which candidates there are, before anything is decoded; says how they find room on the disk.
        handover: What another job handed this one.
    """

    archive: Path
    options: JobOptions
    resolve: Callable[[Sequence[str]], Resolution]
    admit: Callable[[Run, Resolution], Admitted]
    handover: Handover | None = None


def gather(source: Source, run: Run, *, is_resumed: bool) -> Material:
    """Find weights and decode photographs.

    An attempt that follows others may find that it has to stop before it could do more than they did. It then takes
    the shortest way to delivering the best of what they left.

    Args:
        source: See there.
        run: Its countdown is told what delivering would cost as soon as that is known.
        is_resumed: Whether there were earlier attempts.

    Raises:
        ArchiveRefused: If the archive is unusable.
        UserFault: ``no_usable_candidate``, if no weights can be had.
        Stopped: If the run has to stop and nothing was finished before.
    """
    key = identify(source.archive, source.options, source.handover)
    standing = find_standing(run.ledger, key) if is_resumed else None
    reason = None if standing is None else _reason_to_hurry(standing, run)
    if standing is None:
        run.countdown.reprice(UNMEASURED_S)
    if standing is None or reason is None:
        try:
            return _whole(source, run, key)
        except Stopped as stopped:
            if standing is None:
                raise
            reason = stopped.reason
    return _shortest(source, run, key, standing, reason)


def _reason_to_hurry(standing: Standing, run: Run) -> str | None:
    """Return why nothing is to be trained any more, or ``None``: time that decoding alone would use up is too short."""
    if (price_s := standing.price_s(num_formats=run.num_tried)) is not None:
        run.countdown.reprice(price_s)
    reason = run.stop_reason()
    if reason is None and run.countdown.seconds_left() < standing.decode_all_s:
        return StopReason.BUDGET
    return reason


def _whole(source: Source, run: Run, key: RunKey) -> Material:
    found = settle(source.options.candidates, run.ledger.of(key.facts), source.resolve)
    admitted = source.admit(run, found)
    run, found = admitted.run, admitted.found
    try:
        sizes_px = [backbone.input_px for backbone, _ in found.usable]
        dataset = prepare(source.archive, run, key=key, sizes_px=sizes_px, handover=source.handover)
    except UserFault as error:
        raise ArchiveRefused.of(error.fault) from error
    others = tuple(_left_out(name, reason) for name, reason in found.skipped)
    return Material(
        usable=found.usable,
        others=others,
        dataset=dataset,
        run=run,
        handover=source.handover,
        remarks=admitted.remarks,
    )


def _shortest(source: Source, run: Run, key: RunKey, standing: Standing, reason: str) -> Material:
    """Take the best candidate whose weights can be had, and the photographs that judge it."""
    found = _best(source, standing)
    winner = found.usable[0][0]
    run = source.admit(replace(run, stop_reason=lambda: reason), found).run
    dataset = prepare_held_out(
        source.archive,
        run,
        key=key,
        px=winner.input_px,
        known=standing.assignment,
        fewer=standing.fewer,
        handover=source.handover,
    )
    tried = tuple(result for name, result in standing.results.items() if name != winner.name)
    late = f"the run ended first ({reason}); raise budget_minutes to give it its turn"
    untried = [name for name in standing.settled.weights_sha256 if name not in standing.results]
    left_out = [*((name, late) for name in untried), *standing.settled.skipped]
    others = (*tried, *(_left_out(name, why) for name, why in left_out))
    return Material(usable=found.usable, others=others, dataset=dataset, run=run, handover=source.handover)


def _best(source: Source, standing: Standing) -> Resolution:
    """Find the weights of the best candidate for which they are still those that it was trained with.

    Raises:
        UserFault: ``no_usable_candidate``, if there is none.
    """
    faults = []
    for candidate in standing.finished:
        try:
            found = _find(source, candidate.backbone)
        except UserFault as error:
            faults.append(error)
            continue
        if found.usable[0][1].sha256 == candidate.weights_sha256:
            return found
    raise (
        faults[0]
        if faults
        else UserFault(
            "no_usable_candidate",
            "the weights of every finished candidate were replaced by others",
            fix="submit the archive again",
        )
    )


def _find(source: Source, backbone: Backbone) -> Resolution:
    """Find the weights of a backbone, or of all parts of a combination.

    Raises:
        UserFault: ``no_usable_candidate``, if there are none.
    """
    if not backbone.parts:
        return source.resolve([backbone.name])
    found = source.resolve([part.name for part in backbone.parts])
    usable = {row.name: weights for row, weights in found.usable}
    weights = combined_weights([usable.get(part.name) for part in backbone.parts])
    return found if weights is None else replace(found, usable=((backbone, weights),))


def _left_out(name: str, reason: str) -> CandidateResult:
    return CandidateResult(name=name, state=TrialState.SKIPPED, skipped_because=reason)
