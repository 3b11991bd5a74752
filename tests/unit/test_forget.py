"""Deleting what is kept of a person, as the operator's shell sees it."""

import contextlib
import io
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from services.client.terminal.outcome import run_command
from services.onebox.cli import convtailor
from services.onebox.commands.forget import every_job
from services.trainer.scratch.workspace import hold_workspace, kept_jobs, open_workspace
from shared.backends import Backends, open_backends
from shared.errors import NotFound
from shared.job.events import job_queued
from shared.job.job import JobState
from shared.settings import Settings
from tests.doubles.memory_job_store import MemoryJobStore
from tests.job_fixture import NOW, archive_of, make_heartbeat, make_job


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def backends(data: Path) -> Backends:
    return open_backends(Settings(data_dir=data))


def keep(backends: Backends, job_id: str, **changes) -> None:
    """Keep an ended job, or another, with an archive, a network and an event."""
    state = changes.pop("state", JobState.DONE)
    mailed_at = NOW if state is JobState.DONE else None
    job = make_job(job_id, state, mailed_at=mailed_at, archive=archive_of(job_id), **changes)
    backends.job_store.create(job, [job_queued(job_id, NOW)])
    backends.heartbeat_store.put(make_heartbeat(1, job_id=job_id))
    for key in (f"uploads/{job_id}/archive.zip", f"jobs/{job_id}/1/model.h5", f"jobs/{job_id}/report.html"):
        backends.object_store.put(key, io.BytesIO(b"bytes"), content_type="application/octet-stream")


def kept_keys(backends: Backends) -> list[str]:
    return [stored.key for stored in backends.object_store.list("")]


def call(capsys, *arguments):
    code = run_command(convtailor, ["forget", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_everything_of_the_person_is_deleted_and_nothing_of_others(capsys, data: Path, backends: Backends) -> None:
    keep(backends, "job-1")
    keep(backends, "job-10", email="eve@example.org")
    keep(backends, "job-2", email="Ada@Example.org")
    code, out, err = call(capsys, "ada@example.org", "--data", data, "--yes")
    assert (code, err) == (0, "")
    assert "Deleted job job-1 and 3 objects." in out
    assert "Deleted job job-2 and 3 objects." in out
    for gone in ("job-1", "job-2"):
        assert backends.heartbeat_store.get(gone, 1) is None
        with pytest.raises(NotFound):
            backends.job_store.get(gone)
    assert backends.job_store.get("job-10").job.email == "eve@example.org"
    assert {key.split("/")[1] for key in kept_keys(backends)} == {"job-10"}
    assert [event.job_id for event in backends.job_store.pending_events()] == ["job-10"]
    assert call(capsys, "ada@example.org", "--data", data)[:2] == (0, "There is no job of ada@example.org.\n")


def test_what_a_lost_worker_left_of_the_person_on_this_machine_goes_too(
    capsys, data: Path, backends: Backends, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONVTAILOR_SCRATCH_DIR", str(tmp_path / "elsewhere"))
    keep(backends, "job-1")
    keep(backends, "job-2", email="eve@example.org")
    for name in ("job-1", "job-2", "tmp-left"):
        (open_workspace(tmp_path / "elsewhere", name, 1) / "photograph").touch()
    hold_workspace(tmp_path / "elsewhere", "tmp-of-the-living")
    assert call(capsys, "ada@example.org", "--data", data, "--yes")[0] == 0
    assert kept_jobs(tmp_path / "elsewhere") == ["job-2", "tmp-of-the-living"]


def test_mails_in_the_outbox_go_with_their_job_and_others_stay(capsys, data: Path, backends: Backends) -> None:
    keep(backends, "job-1")
    keep(backends, "job-2", email="eve@example.org")
    (data / "outbox").mkdir()
    for job_id in ("job-1", "job-2"):
        (data / "outbox" / f"{job_id}.done.eml").write_bytes(f"X-Job-Id: {job_id}\r\n\r\nHello".encode())
    (data / "outbox" / "mine.eml").write_bytes(b"Subject: job-1\r\n\r\nX-Job-Id: job-1")
    assert call(capsys, "ada@example.org", "--data", data, "--yes")[0] == 0
    assert sorted(path.name for path in (data / "outbox").iterdir()) == ["job-2.done.eml", "mine.eml"]


def test_a_folder_in_which_a_process_still_works_is_named(capsys, data: Path, backends: Backends) -> None:
    keep(backends, "job-1")
    hold_workspace(data / "scratch", "job-1")
    code, _, err = call(capsys, "ada@example.org", "--data", data, "--yes")
    assert code == 0
    assert str(data / "scratch" / "job-1") in err


def test_jobs_under_way_are_named_and_left(capsys, data: Path, backends: Backends) -> None:
    keep(backends, "ended")
    keep(backends, "running", state=JobState.TRAINING)
    keep(backends, "owing", state=JobState.FAILED)
    code, out, err = call(capsys, "ada@example.org", "--data", data, "--yes")
    assert code == 1
    assert "Deleted job ended" in out
    assert "running (training)" in err
    assert "owing (failed, its mail is not sent yet)" in err
    assert "`convtailor cancel`" in err
    assert {key.split("/")[1] for key in kept_keys(backends)} == {"owing", "running"}


@pytest.mark.parametrize(("answer", "is_deleted"), [("y\n", True), ("n\n", False), ("", False)])
def test_it_shows_the_jobs_and_asks(
    capsys, monkeypatch: pytest.MonkeyPatch, data: Path, backends: Backends, answer: str, is_deleted: bool
) -> None:
    keep(backends, "job-1")
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, out, err = call(capsys, "ada@example.org", "--data", data)
    assert "job-1  done  2026-03-01 12:00  ada@example.org" in out
    assert "Delete this job and its files for good?" in err
    assert (code == 0) is is_deleted
    assert (kept_keys(backends) == []) is is_deleted


@pytest.mark.parametrize("page_size", [1, 3, 100])
def test_every_page_of_jobs_is_looked_through(page_size: int) -> None:
    store = MemoryJobStore()
    moments = [0] * 10 + [1, 2, 2, 3, 4]  # more of one moment than a page holds
    for number, seconds in enumerate(moments):
        store.create(make_job(f"job-{number}", updated_at=NOW + timedelta(seconds=seconds)))
    found = [job.job_id for job in every_job(store, [], page_size=page_size)]
    assert sorted(found) == sorted(f"job-{number}" for number in range(len(moments)))


def test_a_job_that_cannot_be_read_is_named_and_stops_no_other(capsys, data: Path, backends: Backends) -> None:
    keep(backends, "job-1")
    keep(backends, "damaged", email="eve@example.org")
    with contextlib.closing(sqlite3.connect(data / "jobs.sqlite3")) as connection, connection:
        connection.execute("UPDATE jobs SET document = '{}' WHERE job_id = 'damaged'")
    code, out, err = call(capsys, "ada@example.org", "--data", data, "--yes")
    assert (code, out) == (0, "Deleted job job-1 and 3 objects.\n")
    assert "Cannot be read, so nobody knows whose they are: damaged." in err


def test_an_interrupted_run_is_finished_by_the_next(capsys, data: Path, backends: Backends) -> None:
    keep(backends, "job-1")
    backends.object_store.delete("jobs/job-1/1/model.h5")  # as far as the first run came
    code, out, _ = call(capsys, "ada@example.org", "--data", data, "--yes")
    assert (code, out) == (0, "Deleted job job-1 and 2 objects.\n")
    assert kept_keys(backends) == []


def test_an_address_of_an_international_domain_is_found_as_people_write_it(
    capsys, data: Path, backends: Backends
) -> None:
    keep(backends, "job-1", email="ada@xn--bcher-kva.example")
    assert call(capsys, "ada@Bücher.example", "--data", data, "--yes")[0] == 0
    assert kept_keys(backends) == []


def test_what_cannot_be_used_is_told_and_makes_no_folder(
    capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, "ada@example.org", "--data", tmp_path / "nowhere")
    assert (code, "nowhere" in err, (tmp_path / "nowhere").exists()) == (2, True, False)
    code, _, err = call(capsys, "ada", "--data", tmp_path)
    assert (code, "is no e-mail address" in err) == (2, True)
    monkeypatch.setenv("CONVTAILOR_BACKEND", "gcp")
    code, _, err = call(capsys, "ada@example.org")
    assert (code, "CONVTAILOR_GCP_PROJECT" in err) == (2, True)
