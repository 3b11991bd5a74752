"""kill -9 of any service at any phase: one finished job and one mail all the same."""

import email
import email.policy
import os
import signal
import zipfile

import pytest

from services.client.api import Client
from services.client.follow import Patience
from services.onebox.runner import Onebox
from shared.job import JobState
from tests.onebox_fixture import draw_folder, environment

PHASES = ("queue", "prepare", "screen", "tune", "evaluate", "export", "report", "done")
OPTIONS = {"candidates": "tiny", "epochs": 40, "tune_epochs": 6, "tune_trials": 1, "budget_minutes": 5}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def archive(home):
    folder = draw_folder(home / "photos", per_class=12)
    with zipfile.ZipFile(home / "photos.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
    return home / "photos.zip"


@pytest.fixture(scope="module")
def box(home):
    with Onebox(home / "data", {**environment(home), "CONVTAILOR_LEASE_S": "3"}) as box:
        box.wait_ready()
        yield box


def phase_of(view):
    """Return how far a job is, as a position in the list of phases."""
    if view.state is JobState.DONE:
        return PHASES.index("done")
    if view.state is JobState.REPORTING:
        return PHASES.index("report")
    return PHASES.index(view.phase) if view.phase in PHASES else 0


def mails_of(box, job_id):
    mails = (
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in box.data_dir.rglob("*.eml")
    )
    return [mail for mail in mails if mail["X-Job-Id"] == job_id]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("trainer", "prepare"),
        ("trainer", "screen"),
        ("trainer", "tune"),
        ("trainer", "evaluate"),
        ("trainer", "export"),
        ("intake", "screen"),
        ("reporter", "report"),
    ],
)
def test_a_kill_ends_in_one_finished_job_and_one_mail(box, archive, name, phase):
    service = next(service for service in box.services if service.name == name)
    patience = Patience(interval_s=0.02)
    deadline_s = patience.clock() + 180
    with Client(box.url) as client:
        created = client.submit("ada@example.org", OPTIONS)
        client.upload(created.upload, archive)
        view, is_killed = None, False
        while True:
            assert patience.clock() < deadline_s, view
            view = client.status(created.job_id, created.token)
            if not is_killed and phase_of(view) >= PHASES.index(phase):
                os.kill(service.pid, signal.SIGKILL)
                is_killed = True
            if view.is_ended:
                break
            box.wait(patience.interval_s)
    assert is_killed
    assert view.state is JobState.DONE, view
    assert view.links["model"]
    assert len(mails_of(box, created.job_id)) == 1
