"""Random budgets and cancels: whether a network that was found is delivered, and how late after the budget."""

import random
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benchmarks.figure import Figure
from services.trainer.protocol import holds_network
from services.trainer.run.deadline import LATE_S
from shared.errors import Conflict
from shared.job.job import Job, JobState
from tests.training_fixture import Site, write_archive

NUM_JOBS = 20
SEED = 1
BUDGETS = (0.8, 8.0)
"""Shortest and longest, in times that this machine takes to its first finished candidate.

Most jobs are to have finished one by then, by whichever way they end; the shortest are not.
"""
CANCELLED_FRAC = 0.4
PER_CLASS = 20
_UNDER_WAY = (JobState.QUEUED, JobState.TRAINING)
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How one job ended.

    Args:
        has_found: Whether a candidate was finished.
        is_delivered: Whether a verified network and its result were stored.
        late_s: Seconds from the end of its budget to its own; negative where it ended before.
    """

    has_found: bool
    is_delivered: bool
    late_s: float


def measure(scratch: Path) -> list[Figure]:
    """Let one worker train jobs that would never end by themselves, each with a budget of its own."""
    chance = random.Random(SEED)
    site = Site(folder=scratch, mirror=scratch)
    archive = write_archive(site.archive, per_class=PER_CLASS)
    worker = site.start_worker()
    try:
        _first_candidate_s(replace(site, job_id="uncounted"), archive)  # the first of all compiles and fills caches
        first_s = _first_candidate_s(replace(site, job_id="measured"), archive)
        budgets_s = [first_s * chance.uniform(*BUDGETS) for _ in range(NUM_JOBS)]
        ended = [
            _run(replace(site, job_id=f"job-{number}"), archive, budget_s, chance)
            for number, budget_s in enumerate(budgets_s)
        ]
    finally:
        worker.terminate()
        worker.wait()
    found = [each for each in ended if each.has_found]
    if not found:
        raise RuntimeError(f"none of {NUM_JOBS} jobs finished a candidate; this machine is too slow for these budgets")
    note = (
        f"{NUM_JOBS} jobs with budgets of {min(budgets_s):.0f} to {max(budgets_s):.0f} s, {CANCELLED_FRAC:.0%} of "
        f"them cancelled at random, seed {SEED}; the first candidate took {first_s:.0f} s; {len(found)} had finished "
        f"one; tiny on {3 * PER_CLASS} images, fine-tuned without end"
    )
    delivered = 100 * sum(each.is_delivered for each in found) / len(found)
    late_s = max(each.late_s for each in found)
    return [
        Figure(name="jobs that deliver what they found when the budget ends, or a cancel comes", measured=delivered,
               unit="%", at_least=100, note=note),
        Figure(name="latest end of such a job after its budget", measured=late_s, unit="s", at_most=LATE_S,
               note=f"of {', '.join(f'{each.late_s:.0f}' for each in found)} s; negative: before"),
    ]  # fmt: skip


def _first_candidate_s(site: Site, archive: Path) -> float:
    """Return the seconds until a job has its first candidate, then have it end."""
    began = _submit(site, archive, budget_s=3600.0)
    while not holds_network(site.job().trials):
        time.sleep(_LOOK_S)
    seconds = time.time() - began.timestamp()
    site.cancel()
    while site.job().state in _UNDER_WAY:
        time.sleep(_LOOK_S)
    print(f"    first candidate after {seconds:.0f} s", flush=True)
    return seconds


def _run(site: Site, archive: Path, budget_s: float, chance: random.Random) -> _Ended:
    cancel_s = chance.uniform(0, budget_s) if chance.random() < CANCELLED_FRAC else None
    began = _submit(site, archive, budget_s=budget_s)
    is_cancelled = False
    while (job := site.job()).state in _UNDER_WAY:
        time.sleep(_LOOK_S)
        if cancel_s is not None and not is_cancelled and time.time() - began.timestamp() >= cancel_s:
            with suppress(Conflict):  # it ended in this moment
                site.cancel()
            is_cancelled = True
    late_s = (job.updated_at - began).total_seconds() - budget_s
    when = "" if cancel_s is None else f", cancelled after {cancel_s:.0f} s"
    print(f"    budget of {budget_s:.0f} s{when}: {job.state}, {late_s:+.1f} s", flush=True)
    return _Ended(has_found=holds_network(job.trials), is_delivered=_is_delivered(job), late_s=late_s)


def _submit(site: Site, archive: Path, *, budget_s: float) -> datetime:
    """Submit a job and return when its training began."""
    site.submit(
        archive, candidates=("tiny",), epochs=20, tune_epochs=1000, tune_trials=100, budget_minutes=budget_s / 60
    )
    while (job := site.job()).state is JobState.QUEUED:
        time.sleep(_LOOK_S)
    return job.updated_at


def _is_delivered(job: Job) -> bool:
    return None not in (job.artefacts.result, job.artefacts.model_h5, job.artefacts.model_keras)
