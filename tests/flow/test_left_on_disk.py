"""What processes leave on the disk that are killed at work: photographs, and what libraries put aside."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from services.trainer.scratch.workspace import kept_jobs
from shared.clock import utc_now
from shared.job.job import JobState, advance
from tests.onebox_fixture import ROOT, environment
from tests.training_fixture import Site, write_archive
from tests.waiting import PATIENCE_S, until

RUN = """
import os, sys, time
from pathlib import Path
from services.onebox.scratch_folder import started_services
with started_services(Path(sys.argv[1]), os.environ) as box:
    (box.data_dir / "archive.zip").touch()
    print(box.data_dir, flush=True)
    while True:
        time.sleep(0.1)  # one long sleep may begin between the signal and its handling, and outlast it
"""


def test_photographs_of_a_job_whose_worker_was_killed_are_gone_when_the_next_worker_starts(tmp_path: Path) -> None:
    site = Site(folder=tmp_path, mirror=tmp_path / "no-weights")
    scratch = tmp_path / "data" / "scratch"
    site.submit(write_archive(tmp_path / "photos.zip", per_class=40), candidates=("tiny",))
    worker = site.start_worker()
    until(lambda: list(scratch.glob(f"{site.job_id}/*/dataset/*.npy")), within_s=120, tell=lambda: site.log)
    family = psutil.Process(worker.pid).children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    psutil.wait_procs(family, timeout=PATIENCE_S)
    assert site.job_id in kept_jobs(scratch), "a killed process removes nothing"
    store = site.backends.job_store
    stored = store.get(site.job_id)
    store.replace(stored, advance(stored.job, JobState.CANCELLED, utc_now(), mailed_at=utc_now()))
    successor = site.start_worker()
    try:
        until(lambda: not kept_jobs(scratch), within_s=120, tell=lambda: f"{kept_jobs(scratch)}\n{site.log}")
    finally:
        successor.terminate()
        successor.wait()


def test_a_run_that_was_killed_leaves_its_photographs_only_until_the_next_one(tmp_path: Path) -> None:
    out = tmp_path / "results"
    environ = environment(tmp_path)
    command = [sys.executable, "-c", RUN, str(out)]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as killed:
        left = Path(killed.stdout.readline().strip())
        family = until(lambda: psutil.Process(killed.pid).children(recursive=True))
        killed.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=PATIENCE_S)
    assert (left / "archive.zip").exists()
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as successor:
        own = Path(successor.stdout.readline().strip())
        assert [path.name for path in out.iterdir()] == [own.name]
        successor.send_signal(signal.SIGINT)
    assert list(out.iterdir()) == [], "nor does the second one leave anything"
