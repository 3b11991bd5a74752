"""kill -9 of any service at any phase: one finished job and one mail all the same.

What is trained here is nothing (``tests/paced_training.py``); ``tests/keras/test_training.py`` kills what trains.
"""

import email
import email.policy
import os
import signal
import zipfile
from contextlib import suppress

import pytest

from services.client.api.client import Client
from services.client.fault import Unreachable
from services.client.follow import Patience
from services.onebox.service_process import RestartRule
from services.onebox.services import Onebox
from shared.adapters.embedded.private_folder import is_ours
from shared.backends import open_backends
from shared.clock import utc_now
from shared.job.events import job_queued
from shared.job.job import JobState
from shared.settings import Settings
from tests.onebox_fixture import draw_folder, environment
from tests.open_files import open_to_others
from tests.paced_training import Gates
from tests.waiting import PATIENCE_S

PHASES = ("queue", "prepare", "screen", "tune", "evaluate", "export", "report", "done")
OPTIONS = {"candidates": "tiny", "budget_minutes": 5}


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


@pytest.fixture(scope="module", autouse=True)
def usual_umask():
    """What a login shell gives: new files can be read by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def gates(home):
    return Gates(home / "gates")


@pytest.fixture(scope="module")
def box(home, gates):
    leases = {"CONVTAILOR_TRAINER_LEASE_S": "3", "CONVTAILOR_REPORTER_LEASE_S": "3"}
    environ = {**environment(home), **leases, "CONVTAILOR_MAX_ATTEMPTS": "20", **gates.environ}
    hardy = RestartRule(soon_s=0.0)  # however quickly one death follows the other
    with Onebox(home / "data", environ, trainer="tests.paced_trainer", rule=hardy) as box:
        box.wait_ready(within_s=PATIENCE_S)
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


def train_through(box, archive, gates, kills):
    """Run one job and kill a service whenever the job has come as far as the next pair of service and phase says."""
    patience, due = Patience(interval_s=0.1), list(kills)
    gates.close({phase for _, phase in kills})
    deadline_s = patience.clock() + 3 * PATIENCE_S
    services = {service.name: service for service in box.services}
    bus = open_backends(Settings(data_dir=box.data_dir)).event_bus
    with Client(box.url) as client:
        created = client.submit("ada@example.org", OPTIONS)
        client.upload(created.upload, archive)
        view = client.status(created.job_id, created.token)
        while not view.is_ended:
            assert patience.clock() < deadline_s, view
            if due and phase_of(view) >= PHASES.index(due[0][1]):
                service, phase = due.pop(0)
                os.kill(services[service].pid, signal.SIGKILL)
                gates.open(phase)
                bus.publish(job_queued(created.job_id, utc_now()))  # as the sweeper does, in minutes
            box.wait(patience.interval_s)
            with suppress(Unreachable):
                view = client.status(created.job_id, created.token)
    assert not due
    return view


@pytest.mark.slow
def test_a_trainer_killed_in_every_phase_of_one_job_ends_in_one_network_and_one_mail(box, archive, gates):
    phases = ("prepare", "screen", "tune", "evaluate", "export")
    view = train_through(box, archive, gates, [("trainer", phase) for phase in phases])
    assert view.state is JobState.DONE, view
    assert view.links["model"]
    assert [trial.name for trial in view.trials] == ["screen/tiny", "tune/0"]
    assert len(mails_of(box, view.job_id)) == 1


@pytest.mark.slow
def test_intake_and_reporter_killed_at_work_end_in_one_network_and_one_mail(box, archive, gates):
    view = train_through(box, archive, gates, [("intake", "queue"), ("intake", "screen"), ("reporter", "report")])
    assert view.state is JobState.DONE, view
    assert view.links["report"]
    assert len(mails_of(box, view.job_id)) == 1


@pytest.mark.slow
def test_nobody_else_on_the_machine_can_get_at_anything_that_all_this_left(box):
    left = {path.name for path in box.data_dir.iterdir()}
    assert {"objects", "logs", "outbox", "jobs.sqlite3", "url.secret"} <= left
    assert open_to_others(box.data_dir) == set()
    assert [name for name in left if not is_ours(name)] == [], "a copy of the folder that is open would stay open"
