"""Several trainers on one machine share the embedded stores: each job is trained once, and every one of them works."""

import threading
from dataclasses import replace
from pathlib import Path

from services.onebox.services import Onebox
from services.trainer.protocol import Order
from services.trainer.worker.disk_room import DiskRoom
from services.trainer.worker.worker import Worker, WorkerRules
from shared.backends import open_backends
from shared.clock import utc_now
from shared.job.events import job_queued
from shared.job.job import JobState
from shared.settings import Settings
from tests.doubles.scripted_process import ScriptedProcess
from tests.job_fixture import archive_of, make_job
from tests.scripted_training import Script, succeed
from tests.waiting import PATIENCE_S

NUM_TRAINERS = 3
NUM_JOBS = 18


class Diary:
    """What was trained by whom; the first jobs wait for each other, so that nobody is done before all have begun."""

    def __init__(self) -> None:
        self.trained: list[tuple[str, str]] = []
        self._all_at_work = threading.Barrier(NUM_TRAINERS)
        self._begun: set[str] = set()

    def training_by(self, owner: str):
        def train(order: Order) -> Script:
            self.trained.append((order.job_id, owner))
            if owner not in self._begun:
                self._begun.add(owner)
                self._all_at_work.wait(timeout=PATIENCE_S)
            yield from succeed(order)

        return train


def trainer(folder: Path, diary: Diary, owner: str) -> Worker:
    """Return a trainer with connections of its own, as a process has."""
    backends = open_backends(Settings(data_dir=folder))
    return Worker(
        store=backends.job_store,
        heartbeats=backends.heartbeat_store,
        objects=backends.object_store,
        bus=backends.event_bus,
        spawn=lambda: ScriptedProcess(diary.training_by(owner), lambda _seconds: None),
        owner=owner,
        disk=DiskRoom(scratch=folder / "scratch"),
        rules=WorkerRules(warm_child=False, poll_s=0.01),
    )


def test_no_job_is_trained_by_two_and_no_trainer_stays_idle_though_each_is_announced_twice(tmp_path):
    backends, diary = open_backends(Settings(data_dir=tmp_path)), Diary()
    for number in range(NUM_JOBS):
        job_id = f"job-{number}"
        job = make_job(job_id, JobState.QUEUED, archive=replace(archive_of(job_id), size_bytes=1000))
        backends.job_store.create(job)
        for _ in range(2):
            backends.event_bus.publish(job_queued(job_id, utc_now()))

    def work(worker: Worker) -> None:
        while worker.work_once():
            pass

    workers = [trainer(tmp_path, diary, f"trainer-{number}") for number in range(NUM_TRAINERS)]
    threads = [threading.Thread(target=work, args=(each,)) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job_id for job_id, _ in diary.trained) == sorted(f"job-{number}" for number in range(NUM_JOBS))
    assert {owner for _, owner in diary.trained} == {each.owner for each in workers}
    for number in range(NUM_JOBS):
        job = backends.job_store.get(f"job-{number}").job
        assert (job.state, job.attempts, job.claim.fence) == (JobState.REPORTING, 1, 1)


def test_trainers_beside_each_other_have_logs_of_their_own_and_divide_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    alone, several = Onebox(tmp_path, {}), Onebox(tmp_path, {}, num_trainers=3)
    told = Onebox(tmp_path, {"CONVTAILOR_THREADS": "5"}, num_trainers=3)
    trainers = [each for each in several.services if each.name == "trainer"]
    assert [each.log.name for each in trainers] == ["trainer.log", "trainer-2.log", "trainer-3.log"]
    assert {each.environ["CONVTAILOR_THREADS"] for each in trainers} == {"2"}
    assert {each.environ["CONVTAILOR_THREADS"] for each in told.services if each.name == "trainer"} == {"5"}
    assert not any("CONVTAILOR_THREADS" in each.environ for each in alone.services)
