"""What was promised and what was kept, as stores, mails, folders and processes tell afterwards."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.soak.clients import ENDS, Ticket
from benchmarks.soak.diary import Diary
from benchmarks.soak.house import Process
from shared.backends import Backends
from shared.errors import ConvtailorError
from shared.job.events import Topic
from shared.job.job import Job, JobState
from shared.job.result import Result
from shared.json_codec import from_json
from shared.layout import folders_of

_MAIL_TARGETS = {"reporter", "jobs", "events", "data", "mail"}
"""What has to be disturbed between sending and recording for a second mail to be excused."""
_SLACK_S = 1.0
_RECORDED_WITHIN_S = 15.0
"""For so long a reporter insists on recording what it has sent."""
MORE_DESCRIPTORS = 3
"""A service at rest may have so many more open than before, such as a connection that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One row of the table.

    Args:
        name: What was promised.
        evidence: Every case in which it was not kept.
        note: What was looked at.
    """

    name: str
    evidence: tuple[str, ...]
    note: str = ""

    @property
    def is_kept(self) -> bool:
        """Tell whether there is no case against it."""
        return not self.evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where is looked.

    Args:
        tickets: What people wanted, and got.
        backends: The stores.
        diary: What was done.
        scratch: Where training worked.
        tmp: Where all that is temporary was to lie.
        data: Folder of the stores.
    """

    tickets: Sequence[Ticket]
    backends: Backends
    diary: Diary
    scratch: Path
    tmp: Path
    data: Path

    def jobs(self) -> Mapping[str, Job]:
        """Return the job of every ticket as the store has it, by id."""
        ids = [ticket.submitted.job_id for ticket in self.tickets if ticket.submitted is not None]
        return {job_id: self.backends.job_store.get(job_id).job for job_id in ids}


def figures(promises: Sequence[Promise], circumstances: str) -> list[Figure]:
    """Return a row of the page of benchmarks for each promise: how many cases there were against it.

    Args:
        promises: What was looked at.
        circumstances: Seed, jobs and disturbances; told with the first.
    """
    notes = [circumstances, *("" for _ in promises[1:])]
    return [
        Figure(
            name=f"soak, cases against: {promise.name}",
            measured=len(promise.evidence),
            unit="cases",
            at_most=0,
            note="; ".join(filter(None, (note, promise.note))),
        )
        for promise, note in zip(promises, notes, strict=True)
    ]


def look(ground: Ground) -> list[Promise]:
    """Return what became of every promise that the stores and folders tell of."""
    jobs = ground.jobs()
    return [
        _nothing_lost(ground, jobs),
        _right_ends(ground, jobs),
        _all_delivered(ground, jobs),
        _one_mail(ground, jobs),
        _nothing_waits(ground),
        Promise(name="no answer of a kind that tells of a fault of ours", evidence=tuple(ground.diary.oddities)),
        _nothing_left(ground, jobs),
    ]


def no_orphan(left: Sequence[Process]) -> Promise:
    """Return whether every process ended with the services."""
    evidence = tuple(f"{each.kind} lives on as process {each.process.pid}" for each in left)
    return Promise(name="no orphan process", evidence=evidence)


def no_growing_descriptors(before: Mapping[str, int], after: Mapping[str, int], *, num_jobs: int) -> Promise:
    """Return whether services at rest hold as many descriptors after some jobs in peace as before.

    Args:
        before: Descriptors by service and process.
        after: Likewise.
        num_jobs: How many jobs they did in between.
    """
    evidence = tuple(
        f"{name}: {before[name]} before, {count} after {num_jobs} jobs"
        for name, count in after.items()
        if name in before and count > before[name] + MORE_DESCRIPTORS
    )
    compared = ", ".join(f"{name} {before[name]} → {after[name]}" for name in sorted(before.keys() & after.keys()))
    return Promise(name="no growing descriptors", evidence=evidence, note=compared)


def _nothing_lost(ground: Ground, jobs: Mapping[str, Job]) -> Promise:
    evidence = [f"{job_id} is {job.state} at the end" for job_id, job in jobs.items() if job.is_open]
    evidence += ["a job could not be posted in all the time" for each in ground.tickets if each.submitted is None]
    return Promise(name="no lost job", evidence=tuple(evidence), note=f"{len(jobs)} jobs")


def _right_ends(ground: Ground, jobs: Mapping[str, Job]) -> Promise:
    evidence, ends = [], Counter[str]()
    for ticket in ground.tickets:
        if ticket.submitted is None:
            continue
        job = jobs[ticket.submitted.job_id]
        ends[job.state] += 1
        if not job.is_open and job.state not in ENDS[ticket.wish]:
            fault = f": {job.fault.code}: {job.fault.message}" if job.fault else ""
            evidence.append(f"{job.job_id} ({ticket.wish}) is {job.state}{fault}")
    note = ", ".join(f"{count} {state}" for state, count in sorted(ends.items()))
    return Promise(name="no wrong end", evidence=tuple(evidence), note=note)


def _all_delivered(ground: Ground, jobs: Mapping[str, Job]) -> Promise:
    evidence = [
        f"{job_id}: {missing}"
        for job_id, job in jobs.items()
        if job.state is JobState.DONE
        for missing in _missing(job, ground.backends)
    ]
    return Promise(name="everything that was announced can be fetched", evidence=tuple(evidence))


def _missing(job: Job, backends: Backends) -> Iterable[str]:
    artefacts = job.artefacts
    keys = (artefacts.model_h5, artefacts.model_keras, artefacts.labels, artefacts.predict, artefacts.report)
    for key in keys:
        if key is None:
            yield "an artefact has no key"
            continue
        try:
            backends.object_store.stat(key)
        except ConvtailorError as error:
            yield f"{key}: {error}"
    try:
        from_json(Result, json.loads(backends.object_store.read(artefacts.result or "")))
    except (ConvtailorError, ValueError) as error:
        yield f"result: {error}"


def _one_mail(ground: Ground, jobs: Mapping[str, Job]) -> Promise:
    evidence, num_excused = [], 0
    wishes = {ticket.submitted.job_id: ticket.wish for ticket in ground.tickets if ticket.submitted is not None}
    for job_id, job in jobs.items():
        times = ground.diary.mails.get(job_id, [])
        owed = 0 if job.state is JobState.CANCELLED and job.archive is None else 1
        excused = _excused(times, ground.diary)
        num_excused += excused
        if len(times) - excused != owed and not job.is_open:
            evidence.append(f"{job_id} ({wishes[job_id]}, {job.state}): {len(times)} mails, {excused} excused")
    strangers = ground.diary.mails.keys() - jobs.keys()
    evidence += [f"a mail about {job_id}, which nobody asked for" for job_id in strangers]
    num_mails = sum(map(len, ground.diary.mails.values()))
    note = f"{num_mails} mails, {num_excused} of them repeats after a disturbance between sending and recording"
    return Promise(name="one mail a job", evidence=tuple(evidence), note=note)


def _excused(times: Sequence[float], diary: Diary) -> int:
    """Return how many mails are repeats for a reason: the one before was sent, and then its recording was disturbed."""
    return sum(
        diary.disturbed(_MAIL_TARGETS, earlier - _SLACK_S, min(later, earlier + _RECORDED_WITHIN_S))
        for earlier, later in pairwise(times)
    )


def _nothing_waits(ground: Ground) -> Promise:
    evidence = [f"recorded and never published: {each}" for each in ground.backends.job_store.pending_events()]
    for topic in Topic:
        evidence += [f"dead letter of {topic}: {each.reason}" for each in ground.backends.event_bus.dead_letters(topic)]
    return Promise(name="no message unsent or given up", evidence=tuple(evidence))


def _nothing_left(ground: Ground, jobs: Mapping[str, Job]) -> Promise:
    left = [path for folder in (ground.scratch, ground.tmp) for path in folder.rglob("*")]
    left += list((ground.data / "incoming").iterdir())
    known = tuple(folder for job_id in jobs for folder in folders_of(job_id))
    unknown = [each.key for each in ground.backends.object_store.list("") if not each.key.startswith(known)]
    evidence = [f"left behind: {path}" for path in left] + [f"an object of no job: {key}" for key in unknown]
    return Promise(name="no leftover in scratch, temporary or data folder", evidence=tuple(evidence))
