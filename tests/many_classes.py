"""A reporter as a process of its own that reports on a network of very many classes, and what that takes."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from shared.backends import open_backends
from shared.clock import utc_now
from shared.job.events import announcement
from shared.job.job import JobState
from shared.json_codec import to_json
from shared.messaging.outbox import publish_pending
from shared.settings import Settings
from tests.peak_memory import peak_bytes
from tests.reporter_fixture import JOB_ID, KEYS, finished_job
from tests.result_fixture import make_result
from tests.waiting import until


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was sent.

    Args:
        peak_bytes: Most memory of the reporter and of what draws for it, together.
        mail: The mail, as it would go out.
        page: The report.
        classes: Names of the classes.
    """

    peak_bytes: int
    mail: bytes
    page: bytes
    classes: tuple[str, ...]


def report_on(num_classes: int, data_dir: Path) -> Report:
    """Leave a finished job as the trainer does, and wait until a reporter has mailed its end."""
    backends = open_backends(Settings(data_dir=data_dir))
    classes = tuple(f"species number {number:04d}" for number in range(num_classes))
    document = json.dumps(to_json(make_result(classes, job_id=JOB_ID, skill=0.7, num_candidates=13))).encode()
    backends.object_store.put(str(KEYS.result), io.BytesIO(document), content_type="application/json")
    job = replace(finished_job(), updated_at=utc_now())
    backends.job_store.create(job, announcement(job, utc_now()))
    publish_pending(backends.job_store, backends.event_bus)
    environ = {**os.environ, "CONVTAILOR_DATA_DIR": str(data_dir)}
    reporter = subprocess.Popen([sys.executable, "-m", "services.reporter"], env=environ)
    try:
        until(lambda: backends.job_store.get(JOB_ID).job.state is JobState.DONE)
        peak = peak_bytes(reporter.pid)
    finally:
        reporter.kill()
        reporter.wait()
    (mail,) = (data_dir / "outbox").glob("*.eml")
    page = backends.object_store.read(str(backends.job_store.get(JOB_ID).job.artefacts.report))
    return Report(peak_bytes=peak, mail=mail.read_bytes(), page=page, classes=classes)
