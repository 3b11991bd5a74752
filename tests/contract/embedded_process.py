"""What the other processes of the embedded contract tests do: ``python embedded_process.py ROLE DATA_DIR ARGUMENTS``.

Each says what it has done, a line at a time, so that the test knows what must have survived when it kills.
"""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from io import RawIOBase
from pathlib import Path
from threading import Thread

from shared.backends import Backends, open_backends
from shared.errors import Conflict
from shared.job.events import Topic, decode, job_queued
from shared.job.job import JobState
from shared.settings import Settings
from tests.job_fixture import NOW, make_job

NUM_THREADS = 4
NUM_JOBS = 5
LEASE = timedelta(hours=1)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")  # one write, so that threads do not mix their lines
    sys.stdout.flush()


def claim(backends: Backends, name: str) -> None:
    """Try to win every job, in several threads that have read it before anybody wrote; say which were won."""
    store = backends.job_store
    read = [store.get(f"job-{number}") for number in range(NUM_JOBS)]

    def try_all(thread: int) -> None:
        for stored in read:
            mine = replace(stored.job, device=f"{name}-{thread}")
            try:
                store.replace(stored, mine, [job_queued(stored.job.job_id, NOW)])
            except Conflict:
                continue
            say(f"won {stored.job.job_id} {name}-{thread}")

    say("ready")
    sys.stdin.readline()
    threads = [Thread(target=try_all, args=(number,)) for number in range(NUM_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def drain(backends: Backends, _: str) -> None:
    """Pull until nothing is left, acknowledging every second message only."""
    say("ready")
    sys.stdin.readline()
    num_pulled = 0
    while deliveries := backends.event_bus.pull(Topic.JOBS, lease=LEASE):
        say(f"pulled {decode(deliveries[0].data).event_id}")
        num_pulled += 1
        if num_pulled % 2:
            backends.event_bus.ack(deliveries[0])


def write_once(backends: Backends, name: str) -> None:
    """Try to be the first to write one object."""
    say("ready")
    sys.stdin.readline()
    for number in range(10):
        try:
            backends.object_store.put(f"race/{number}", Endless(name[-1], pieces=3), content_type="t", if_absent=True)
        except Conflict:
            continue
        say(f"wrote {number} {name}")


def publish(backends: Backends, _: str) -> None:
    """Publish for ever."""
    while True:
        event = job_queued("job-1", NOW)
        backends.event_bus.publish(event)
        say(event.event_id)


def create(backends: Backends, _: str) -> None:
    """Create jobs, each with an event, for ever."""
    number = 0
    while True:
        job = make_job(f"job-{number}", JobState.QUEUED)
        backends.job_store.create(job, [job_queued(job.job_id, NOW)])
        say(job.job_id)
        number += 1


def create_together(backends: Backends, _: str) -> None:
    """Create jobs for ever, in several threads, whose writes share transactions."""

    def go_on(thread: int) -> None:
        number = 0
        while True:
            job_id = f"job-{thread}-{number}"
            backends.job_store.create(make_job(job_id))
            say(job_id)
            number += 1

    for thread in range(NUM_THREADS):
        Thread(target=go_on, args=(thread,)).start()


def put(backends: Backends, _: str) -> None:
    """Write an object that never ends."""
    backends.object_store.put("uploads/endless", Endless("x"), content_type="t")


def fork(backends: Backends, _: str) -> None:
    """Write in a forked child and in its parent, both after the store was used."""
    store = backends.job_store
    store.create(make_job("before"))
    child = os.fork()
    store.create(make_job("parent" if child else "child"))
    if child:
        assert os.waitpid(child, 0)[1] == 0
        say(" ".join(store.get(job_id).job.job_id for job_id in ("before", "child", "parent")))


class Endless(RawIOBase):
    """A stream of one letter; says when megabytes have been read."""

    def __init__(self, letter: str, pieces: int | None = None) -> None:
        self._letter, self._left = letter.encode(), pieces

    def read(self, size: int = -1) -> bytes:
        if self._left is None:
            say("reading")
        elif self._left == 0:
            return b""
        else:
            self._left -= 1
        return self._letter * min(size, 1 << 20)


if __name__ == "__main__":
    role, data_dir, *arguments = sys.argv[1:]
    globals()[role](open_backends(Settings(data_dir=Path(data_dir))), *(arguments or [""]))
