"""Intake as a process: what a person and an operator see of it, killed at the worst moments included."""

import io
import os
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest

from services.intake.settings import IntakeSettings
from shared.backends import open_backends
from shared.job.events import Topic, decode
from shared.layout import archive_key
from tests.archive_corpus import CASES
from tests.intake_fixture import bearer, small_archive
from tests.intake_process import IntakeProcess
from tests.open_files import open_to_others
from tests.waiting import PATIENCE_S, until
from tests.wire import connect, upload_head


@pytest.fixture(scope="module")
def intake(tmp_path_factory):
    process = IntakeProcess(tmp_path_factory.mktemp("intake")).start()
    yield process
    process.kill()


@pytest.fixture
def mortal(tmp_path):
    """An intake that a test may kill."""
    process = IntakeProcess(tmp_path).start()
    yield process
    process.kill()


def opened(intake: IntakeProcess):
    return open_backends(IntakeSettings(data_dir=intake.data_dir, public_url=intake.url))


def test_nobody_else_on_the_machine_can_get_at_photographs_that_wait(tmp_path):
    before = os.umask(0o022)  # what a login shell gives
    try:
        intake = IntakeProcess(tmp_path).start()
    finally:
        os.umask(before)
    try:
        made = intake.submit()
        assert intake.upload(made, small_archive()).status_code == 200
        assert intake.await_state(made)["state"] == "queued"
        assert list(intake.data_dir.rglob("archive.zip*"))
        assert open_to_others(intake.data_dir) == set()
    finally:
        intake.kill()


def test_archive_is_queued_and_can_be_cancelled(intake):
    made = intake.submit()
    assert intake.upload(made, small_archive()).status_code == 200
    status = intake.await_state(made)
    assert (status["state"], status["archive"]["num_images"]) == ("queued", 10)
    cancelled = intake.http.post(status["links"]["cancel"], headers=bearer(made))
    assert cancelled.json()["state"] == "cancelled"
    again = intake.upload(made, small_archive())
    assert (again.status_code, again.json()["error"]["code"]) == (409, "job_already_ended")


def test_large_archive_passes_through_without_being_held(intake):
    made = intake.submit()
    workers = psutil.Process(intake.process.pid).children()
    before = sum(each.memory_info().rss for each in workers)
    piece = bytes(1 << 20)
    assert intake.upload(made, (piece for _ in range(96))).json()["size_bytes"] == 96 << 20  # chunked
    grown = sum(each.memory_info().rss for each in workers) - before
    assert grown < 24 << 20
    assert intake.await_state(made)["error"]["code"] == "archive_not_zip"


def test_upload_over_the_cap_is_refused_before_a_byte_of_it_is_sent(intake):
    with connect(intake.url) as wire:
        wire.sendall(upload_head(intake.submit(), 10**12))
        assert wire.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_upload_that_breaks_off_leaves_nothing_and_can_be_sent_again(intake):
    made = intake.submit()
    with connect(intake.url) as wire:
        wire.sendall(upload_head(made, 1000) + b"PK")
        until(lambda: list((intake.data_dir / "incoming").iterdir()))
    until(lambda: not list((intake.data_dir / "incoming").iterdir()))
    assert intake.status(made)["state"] == "awaiting_upload"
    assert intake.upload(made, small_archive()).status_code == 200
    assert intake.await_state(made)["state"] == "queued"


def test_every_archive_of_the_corpus_is_judged_by_its_table_of_contents(intake):
    bodies = {case.name: body for case in CASES if (body := case.build())}  # no bytes are no upload
    sent = {name: intake.submit() for name in bodies}
    assert all(intake.upload(made, bodies[name]).status_code == 200 for name, made in sent.items())
    judged = {name: (intake.await_state(made)["error"] or {}).get("code") for name, made in sent.items()}
    assert judged == {
        case.name: case.code if case.found_in == "directory" else None for case in CASES if case.name in bodies
    }


def test_what_no_route_sees_is_refused_in_json_too(intake):
    for path in ("/v1//jobs", "/v1/jobs//", "/%00", "/v1/objects/../../etc/passwd"):
        answer = intake.http.get(intake.url + path)
        assert answer.json()["error"]["code"] in ("route_not_found", "url_invalid"), path


def test_killed_after_the_upload_it_queues_the_job_when_it_is_back(mortal):
    made = mortal.submit()
    mortal.upload(made, small_archive())
    mortal.kill()
    assert mortal.start().await_state(made)["state"] == "queued"
    backends = opened(mortal)
    told = backends.event_bus.pull(Topic.JOBS, lease=timedelta(seconds=30), max_messages=10)
    # At least once: killed between telling the trainer and forgetting that it was told, intake tells it again.
    assert {decode(each.data).job_id for each in told} == {made["job_id"]}


def test_killed_between_keeping_the_archive_and_telling_of_it_it_finds_the_archive(mortal):
    made = mortal.submit()
    mortal.kill()
    key = archive_key(made["job_id"])
    opened(mortal).object_store.put(key, io.BytesIO(small_archive()), content_type="application/zip")
    assert mortal.start().await_state(made)["state"] == "queued"


def test_told_to_stop_it_finishes_the_upload_at_hand_and_leaves_no_secret_in_its_log(mortal):
    made, body = mortal.submit(), small_archive()
    mortal.status(made)
    mortal.http.get(f"{made['status_url']}?token={made['token']}")
    with connect(mortal.url) as wire:
        wire.sendall(upload_head(made, len(body)) + body[:100])
        until(lambda: list((mortal.data_dir / "incoming").iterdir()))
        mortal.process.terminate()
        wire.sendall(body[100:])
        assert wire.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert mortal.process.wait(PATIENCE_S) == 0
    log = mortal.log.read_text()
    assert made["job_id"] in log
    for secret in (made["token"], made["upload"]["url"].rpartition("/")[2], "ada@example.org"):
        assert secret not in log
    assert mortal.start().await_state(made)["state"] == "queued"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("CONVTAILOR_PORT", "99999"), ("CONVTAILOR_DATA_DIR", "/dev/null/data")],
)
def test_settings_that_make_no_sense_end_it_at_once_with_the_reason(setting, value, tmp_path):
    environ = {"CONVTAILOR_DATA_DIR": str(tmp_path), "CONVTAILOR_PORT": "0", setting: value}
    command = [sys.executable, "-m", "services.intake"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert setting in done.stderr
    assert "Traceback" not in done.stderr
