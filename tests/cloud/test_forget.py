"""Deleting what is kept of a person, on Google Cloud."""

import io

import pytest

from services.client.terminal.outcome import run_command
from services.onebox.cli import convtailor
from shared.backends import open_backends
from shared.errors import NotFound
from shared.job.events import job_queued
from shared.job.job import JobState
from shared.settings import Settings
from tests.cloud.storage_fixture import BUCKET
from tests.cloud.storage_server import StorageServer
from tests.job_fixture import NOW, make_job


def test_a_persons_jobs_and_objects_are_deleted_from_firestore_and_the_bucket(
    firestore: str, project: str, storage_server: StorageServer, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("CONVTAILOR_BACKEND", "gcp")
    monkeypatch.setenv("CONVTAILOR_GCP_PROJECT", project)
    monkeypatch.setenv("CONVTAILOR_GCP_BUCKET", BUCKET)
    backends = open_backends(Settings(backend="gcp", gcp_project=project, gcp_bucket=BUCKET))
    for job_id, email in (("job-1", "ada@example.org"), ("job-10", "eve@example.org")):
        backends.job_store.create(
            make_job(job_id, JobState.DONE, email=email, mailed_at=NOW), [job_queued(job_id, NOW)]
        )
        for key in (f"uploads/{job_id}/archive.zip", f"jobs/{job_id}/1/model.h5"):
            backends.object_store.put(key, io.BytesIO(b"bytes"), content_type="application/zip")
    assert run_command(convtailor, ["forget", "ada@example.org", "--yes"]) == 0
    assert "Deleted job job-1 and 2 objects." in capsys.readouterr().out
    with pytest.raises(NotFound):
        backends.job_store.get("job-1")
    assert [stored.key for stored in backends.object_store.list("")] == [
        "jobs/job-10/1/model.h5",
        "uploads/job-10/archive.zip",
    ]
    assert [event.job_id for event in backends.job_store.pending_events()] == ["job-10"]
