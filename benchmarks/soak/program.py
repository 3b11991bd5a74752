"""``python -m benchmarks soak``: see the package."""

import argparse
import random
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.figure import Figure
from benchmarks.soak.clients import Crowd, Ticket, Wish, draw_tickets, write_archives
from benchmarks.soak.diary import Diary
from benchmarks.soak.disk import enter_private_mounts, mount, unmount
from benchmarks.soak.disturbance import Disturber
from benchmarks.soak.house import House, Process, open_house
from benchmarks.soak.promises import Ground, Promise, figures, look, no_growing_descriptors, no_orphan
from shared.backends import open_backends
from shared.settings import Settings

SCRATCH_BYTES, DATA_BYTES = 400 * 2**20, 4 * 2**30
NUM_IN_PEACE = 4
"""Jobs without disturbance at the end, between two counts of descriptors."""
_REST_S = 12.0
"""Idle services have tidied up after so long."""
_LOOK_S = 1.0
_SERVICES = ("intake", "reporter", "trainer")


def main(arguments: Sequence[str], write: Callable[[list[Figure]], None]) -> int:
    """Run the soak, print what became of every promise and write that into the page of benchmarks.

    Args:
        arguments: Of the command line.
        write: Puts rows into the page.

    Returns:
        0 where all were kept, else 1.
    """
    options = _parser().parse_args(arguments)
    enter_private_mounts(arguments)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    print(f"seed {seed}: python -m benchmarks soak --seed {seed} --jobs {options.jobs}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="convtailor-soak-"))
    try:
        diary = Diary()
        promises = _soak(home, options, random.Random(seed), diary)
        _print_table(promises)
        disturbances = ", ".join(f"{count} × {name}" for name, count in diary.counts().items())
        write(figures(promises, f"seed {seed}, {options.jobs} jobs under disturbance: {disturbances}"))
        is_kept = all(promise.is_kept for promise in promises)
        if not is_kept or options.keep:
            print(f"logs: {_kept_logs(home)}")
        return 0 if is_kept else 1
    finally:
        for folder in (home / "data", home / "scratch"):
            unmount(folder)
        shutil.rmtree(home, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--seed", type=int, help="of all chance; processes still take the time they take")
    parser.add_argument("--jobs", type=int, default=60, help="jobs under disturbance (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=45.0, help="longest time for them (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=6, help="people at once (default: %(default)s)")
    parser.add_argument("--trainers", type=int, default=2, help="trainers at once (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the logs even where all went well")
    return parser


def _soak(home: Path, options: argparse.Namespace, chance: random.Random, diary: Diary) -> list[Promise]:
    data, scratch, tmp = home / "data", home / "scratch", home / "tmp"
    disks = {folder for folder, size in ((data, DATA_BYTES), (scratch, SCRATCH_BYTES)) if mount(folder, size)}
    if not disks:
        print("full disks are left out: neither root nor a user namespace may mount one here", flush=True)
    tmp.mkdir()
    run = secrets.token_hex(8)
    tickets = draw_tickets(options.jobs, chance)
    good, bad = write_archives(home, chance)
    with open_house(data, scratch, tmp, diary, run=run, num_trainers=options.trainers) as house:
        backends = open_backends(Settings(data_dir=data))
        crowd = Crowd(url=house.box.url, good=good, bad=bad, tickets=tickets, diary=diary, give_up=threading.Event())
        stop = threading.Event()
        first, job_s = _first_job(crowd)
        print(f"a job in peace takes {job_s:.0f} s", file=sys.stderr, flush=True)
        disturber = Disturber(
            house=house,
            store=backends.job_store,
            scratch=scratch,
            data=data,
            disks=frozenset(disks),
            chance=chance,
            diary=diary,
            job_s=job_s,
            stop=stop,
        )
        disturbing = threading.Thread(target=disturber.run, name="disturber", daemon=True)
        crowd.start(options.clients)
        disturbing.start()
        _wait(crowd, diary, minutes=options.minutes)
        stop.set()
        disturbing.join()
        in_peace = [Ticket(wish=Wish.NETWORK, patience_s=0.0) for _ in range(NUM_IN_PEACE)]
        descriptors = _in_peace(house, crowd, in_peace)
    time.sleep(2 * _LOOK_S)
    print(f"disturbed: {', '.join(f'{count} × {name}' for name, count in diary.counts().items())}", flush=True)
    every = [first, *tickets, *in_peace]
    ground = Ground(tickets=every, backends=backends, diary=diary, scratch=scratch, tmp=tmp, data=data)
    return [*look(ground), no_orphan(house.processes()), descriptors]


def _wait(crowd: Crowd, diary: Diary, *, minutes: float) -> None:
    """Let the crowd work until nobody waits for anything, or the time is over."""
    ends, told = time.monotonic() + 60 * minutes, -1
    while crowd.is_at_work and time.monotonic() < ends:
        time.sleep(_LOOK_S)
        num_ended = sum(ticket.view is not None and ticket.view.is_ended for ticket in crowd.tickets)
        if num_ended != told:
            told = num_ended
            print(f"{time.time() - diary.started:5.0f} s: {told} of {len(crowd.tickets)} ended", file=sys.stderr)
    crowd.give_up.set()


def _first_job(crowd: Crowd) -> tuple[Ticket, float]:
    """Do one job while all are well, and return it and the seconds that it took."""
    ticket, started = Ticket(wish=Wish.NETWORK, patience_s=0.0), time.monotonic()
    _done_by_one(crowd, [ticket])
    return ticket, time.monotonic() - started


def _in_peace(house: House, crowd: Crowd, tickets: list[Ticket]) -> Promise:
    """Let the services rest, then do some jobs undisturbed, and compare what they hold open before and after."""
    _done_by_one(crowd, tickets[:1])  # opens what is kept open from the first job on
    time.sleep(_REST_S)
    before = _descriptors(house.processes())
    _done_by_one(crowd, tickets[1:])
    time.sleep(_REST_S)
    return no_growing_descriptors(before, _descriptors(house.processes()), num_jobs=len(tickets) - 1)


def _done_by_one(crowd: Crowd, tickets: list[Ticket]) -> None:
    """Have one more client do jobs, while nobody disturbs."""
    alone = replace(crowd, tickets=tickets, give_up=threading.Event())
    alone.start(1)
    _wait(alone, crowd.diary, minutes=10)


def _descriptors(processes: Sequence[Process]) -> dict[str, int]:
    found = {}
    for each in processes:
        if each.kind in _SERVICES:
            with suppress(psutil.Error):
                found[f"{each.kind} {each.process.pid}"] = each.process.num_fds()
    return found


def _print_table(promises: Sequence[Promise]) -> None:
    print("\n| promise | kept | seen |\n|---|---|---|")
    for promise in promises:
        seen = promise.note if promise.is_kept else f"{len(promise.evidence)} cases, see below"
        print(f"| {promise.name} | {'yes' if promise.is_kept else 'NO'} | {seen} |")
    for promise in promises:
        for case in promise.evidence:
            print(f"{promise.name}: {case}")
    sys.stdout.flush()


def _kept_logs(home: Path) -> Path:
    """Move the logs where they outlive the disks of this run."""
    target = Path(tempfile.mkdtemp(prefix="convtailor-soak-logs-"))
    shutil.copytree(home / "data" / "logs", target, dirs_exist_ok=True)
    return target
