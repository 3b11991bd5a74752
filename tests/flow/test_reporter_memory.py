"""A result of a thousand classes: the reporter needs no more than its machine has, and the mail reaches its person."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from shared.backends import open_backends
from shared.clock import utc_now
from shared.job.events import announcement
from shared.job.job import JobState
from shared.json_codec import to_json
from shared.messaging.outbox import publish_pending
from shared.settings import Settings
from tests.peak_memory import MB, peak_bytes
from tests.reporter_fixture import JOB_ID, KEYS, finished_job
from tests.result_fixture import make_result
from tests.waiting import until

MOST_BYTES = 400 * MB
"""Of reporter and drawing together; an instance has a gigabyte and four requests at a time."""


@pytest.fixture
def reporter(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "CONVTAILOR_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "services.reporter"], env=environ)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("num_classes", [100, 1000])
def test_the_report_on_many_classes_takes_little_memory_and_is_mailed(
    tmp_path: Path, reporter: subprocess.Popen[bytes], num_classes: int
) -> None:
    backends = open_backends(Settings(data_dir=tmp_path))
    classes = tuple(f"species number {number:04d}" for number in range(num_classes))
    document = json.dumps(to_json(make_result(classes, job_id=JOB_ID, skill=0.7, num_candidates=13))).encode()
    assert KEYS.result is not None
    backends.object_store.put(KEYS.result, io.BytesIO(document), content_type="application/json")
    job = replace(finished_job(), updated_at=utc_now())
    backends.job_store.create(job, announcement(job, utc_now()))
    publish_pending(backends.job_store, backends.event_bus)
    until(lambda: backends.job_store.get(JOB_ID).job.state is JobState.DONE)
    assert peak_bytes(reporter.pid) < MOST_BYTES
    (mail,) = (tmp_path / "outbox").glob("*.eml")
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    names = {part.get_filename() for part in message.walk() if part.get_content_maintype() == "image"}
    assert "confusion.png" in names
    assert mail.stat().st_size < 2 * MB
    report = backends.job_store.get(JOB_ID).job.artefacts.report
    assert report is not None
    page = backends.object_store.read(report)
    assert len(page) < 3 * MB
    assert all(name.encode() in page for name in classes)
