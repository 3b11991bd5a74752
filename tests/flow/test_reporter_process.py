import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from services.reporter.attempt import TRIES_OF_EACH
from shared.backends import Backends, open_backends
from shared.clock import utc_now
from shared.job.events import announcement
from shared.job.job import Job, JobState
from shared.json_codec import to_json
from shared.messaging.outbox import publish_pending
from shared.settings import Settings
from tests.reporter_fixture import JOB_ID, KEYS, finished_job
from tests.result_fixture import make_result
from tests.waiting import PATIENCE_S, until

PUBLIC_URL = "http://127.0.0.1:8080"


@pytest.fixture
def backends(tmp_path: Path) -> Backends:
    return open_backends(Settings(data_dir=tmp_path, public_url=PUBLIC_URL))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    wanted = {
        "CONVTAILOR_DATA_DIR": str(tmp_path),
        "CONVTAILOR_PUBLIC_URL": PUBLIC_URL,
    }
    return {**os.environ, **wanted}


@pytest.fixture
def crash_environ(environ: dict[str, str]) -> dict[str, str]:
    """Let the dead be noticed soon. A reporter that lives would on a busy machine be taken for dead as well."""
    return {**environ, "CONVTAILOR_REPORTER_LEASE_S": "1"}


@pytest.fixture
def reporter(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = start(environ)
    yield process
    process.kill()
    process.communicate()


def start(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "services.reporter"], env=environ, stderr=subprocess.PIPE)


def finish_job(backends: Backends) -> None:
    """Leave a job as the trainer does: artefacts in the store, the state in the job, the event in the outbox."""
    assert KEYS.result is not None
    document = json.dumps(to_json(make_result(job_id=JOB_ID))).encode()
    backends.object_store.put(KEYS.result, io.BytesIO(document), content_type="application/json")
    job = replace(finished_job(), updated_at=utc_now())
    backends.job_store.create(job, announcement(job, utc_now()))
    publish_pending(backends.job_store, backends.event_bus)


def await_state(backends: Backends, state: JobState) -> None:
    until(lambda: backends.job_store.get(JOB_ID).job.state is state)


def mails(folder: Path) -> list[Path]:
    return sorted((folder / "outbox").glob("*.eml"))


def test_a_finished_job_is_mailed_and_the_process_stops_when_asked(
    tmp_path: Path, backends: Backends, reporter: subprocess.Popen[bytes]
) -> None:
    finish_job(backends)
    await_state(backends, JobState.DONE)
    reporter.send_signal(signal.SIGTERM)
    _, log = reporter.communicate(timeout=PATIENCE_S)
    assert reporter.returncode == 0
    (path,) = mails(tmp_path)
    assert path.name == f"{JOB_ID}.done.eml"
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["Subject"].startswith("Your model: usable with review, 83 % right")
    assert sum(part.get_content_maintype() == "image" for part in message.walk()) == 16
    report = backends.job_store.get(JOB_ID).job.artefacts.report
    assert report is not None
    assert b"Usable with review." in backends.object_store.read(report)
    assert [line for line in map(json.loads, log.splitlines()) if line["severity"] != "INFO"] == []


def test_a_reporter_killed_at_work_is_replaced_and_one_mail_is_left(
    tmp_path: Path, backends: Backends, crash_environ: dict[str, str]
) -> None:
    finish_job(backends)
    reporter, successor = start(crash_environ), None
    try:
        until(lambda: backends.job_store.get(JOB_ID).job.report_claim, every_s=0)
        reporter.kill()
        successor = start(crash_environ)
        await_state(backends, JobState.DONE)
    finally:
        for process in filter(None, (reporter, successor)):
            process.kill()
            process.communicate()
    assert len(mails(tmp_path)) == 1


@pytest.mark.slow
def test_a_job_at_which_every_reporter_is_killed_comes_to_its_end_all_the_same(
    tmp_path: Path, backends: Backends, crash_environ: dict[str, str]
) -> None:
    """As where a job takes more memory than the machine has: the system kills whoever begins with it."""

    def job() -> Job:
        return backends.job_store.get(JOB_ID).job

    finish_job(backends)
    for number in range(1, 3 * TRIES_OF_EACH + 2):
        is_last = number > 3 * TRIES_OF_EACH
        process = start(crash_environ)
        until(lambda n=number, last=is_last: not job().is_open or (job().report_tries >= n and not last), every_s=0)
        process.kill()
        process.communicate()
        if not job().is_open:
            break
    assert not job().is_open
    assert job().state in (JobState.DONE, JobState.FAILED)
    assert job().artefacts.model_h5 == KEYS.model_h5, "the network can be fetched"
    assert len(mails(tmp_path)) <= 1


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("CONVTAILOR_MAIL_FROM", "nobody", "CONVTAILOR_MAIL_FROM"),
        ("CONVTAILOR_MAILER", "smtp", "CONVTAILOR_SMTP_HOST: required"),
        ("CONVTAILOR_MAILER", "pigeon", "CONVTAILOR_MAILER"),
    ],
)
def test_settings_that_make_no_sense_are_told_at_the_start(
    environ: dict[str, str], variable: str, value: str, complaint: str
) -> None:
    process = start({**environ, variable: value})
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert complaint in said.decode()
