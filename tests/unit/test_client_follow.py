"""Following a job on the real intake app while other services move it along."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from services.client.api.client import Client
from services.client.fault import Unreachable
from services.client.follow import Patience, follow, raise_unless_done
from services.intake.app import create_app
from shared.errors import Fault, UserFault
from shared.job.claim import Claim
from shared.job.heartbeat import Cadence
from shared.job.job import JobState
from shared.job.progress import Best, Progress
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.intake_fixture import PUBLIC_URL, IntakeFixture, small_archive


class Recorder:
    def __init__(self):
        self.stages = []

    def show(self, stage):
        self.stages.append((stage.key, stage.done, stage.best and stage.best.candidate) if stage else None)


class Script:
    """Lets a second pass and then does the next thing."""

    def __init__(self, *steps):
        self.now, self.steps = 0.0, list(steps)

    def clock(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        if self.steps:
            self.steps.pop(0)()

    @property
    def patience(self):
        return Patience(interval_s=1.0, outage_s=5.0, clock=self.clock, wait=self.wait)


@pytest.fixture
def service():
    return IntakeFixture()


@pytest.fixture
def made(service):
    made = service.submit()
    service.upload(made, small_archive())
    return made


def follow_with(script, service, made, live, transport=None):
    with Client(PUBLIC_URL, transport=transport or httpx.WSGITransport(app=service.app)) as client:
        return follow(client, made["job_id"], made["token"], live=live, patience=script.patience)


def test_every_stage_is_shown_until_the_end(service, made):
    live = Recorder()
    best = Best(candidate="tiny", val_accuracy=0.9)
    point = Progress(phase="screen", done=3, total=9, unit="epochs", best=best)
    view = follow_with(
        Script(
            service.handle_uploads,
            lambda: service.move(made, JobState.TRAINING),
            lambda: service.move(made, progress=point),
            lambda: service.move(made, JobState.REPORTING),
            lambda: service.move(made, JobState.DONE),
        ),
        service,
        made,
        live,
    )
    assert view.state is JobState.DONE
    assert live.stages == [
        ("check", 0, None),
        ("queue", 0, None),
        ("queue", 0, None),
        ("screen", 3, "tiny"),
        ("report", 0, "tiny"),
        None,
    ]
    raise_unless_done(view)


def test_a_rejected_job_is_told_with_its_own_fault(service, made):
    fault = Fault(code="one_class", message="There is one class.", fix="Add another.", details={"classes": ["cat"]})
    view = follow_with(Script(lambda: service.move(made, JobState.REJECTED, fault=fault)), service, made, Recorder())
    with pytest.raises(UserFault) as caught:
        raise_unless_done(view)
    told = caught.value.fault
    assert (told.code, told.message, told.fix) == ("one_class", "There is one class.", "Add another.")
    assert told.details == {"classes": ["cat"], "job_id": made["job_id"], "state": "rejected"}


def test_an_expired_job_has_a_code_although_it_has_no_fault(service, made):
    view = follow_with(Script(lambda: service.move(made, JobState.EXPIRED)), service, made, Recorder())
    with pytest.raises(UserFault) as caught:
        raise_unless_done(view)
    assert caught.value.fault.code == "job_expired"


class Paced(Script):
    """Notes how long each wait is."""

    def __init__(self, *steps):
        super().__init__(*steps)
        self.waits = []

    def wait(self, seconds):
        self.waits.append(seconds)
        super().wait(seconds)


def billed(service):
    """Let heartbeats cost what Firestore's do: one in five seconds is written."""
    cadence = Cadence(least_s=5.0, progress_s=5.0, look_s=5.0)
    heartbeats = MemoryHeartbeatStore(cadence=cadence)
    service.job_routes = replace(service.job_routes, heartbeats=heartbeats)
    service.app = create_app(service.job_routes, service.page_routes, service.link_routes)


def test_a_job_is_looked_at_no_more_often_than_there_can_be_news_and_its_end_is_noticed_soon(service, made):
    service.handle_uploads()
    billed(service)
    script = Paced(
        lambda: service.move(made, JobState.TRAINING),
        lambda: service.move(made, progress=Progress(phase="screen", done=1, total=9, unit="epochs")),
        lambda: service.move(made, progress=Progress(phase="screen", done=2, total=9, unit="epochs")),
        lambda: service.move(made, JobState.REPORTING),
        lambda: service.move(made, JobState.DONE, mailed_at=service.clock()),
    )
    follow_with(script, service, made, Recorder())
    assert script.waits == [10.0, 5.0, 5.0, 5.0, 2.0]


def test_while_a_job_waits_for_others_it_is_looked_at_ever_more_seldom_up_to_a_bound(service, made):
    service.handle_uploads()
    nothing = [lambda: None] * 6
    script = Paced(*nothing, lambda: service.move(made, JobState.TRAINING), lambda: service.move(made, JobState.FAILED))
    follow_with(script, service, made, Recorder())
    assert script.waits == [2.0, 3.0, 4.5, 6.75, 10.0, 10.0, 10.0, 1.0]


def test_that_a_start_comes_nearer_is_no_news_to_ask_for_more_often(service, made):
    service.handle_uploads()
    other = service.submit()
    service.clock.advance(-60)
    claim = Claim(owner="w", fence=1, expires_at=service.clock() + timedelta(hours=1))
    service.move(other, JobState.QUEUED, JobState.TRAINING, claim=claim, progress=Progress(phase="screen", eta_s=900.0))
    passing = [lambda: service.clock.advance(5)] * 4
    script, told = Paced(*passing, lambda: service.move(made, JobState.CANCELLED)), Details()
    follow_with(script, service, made, told)
    assert script.waits == [2.0, 3.0, 4.5, 6.75, 10.0]
    assert told.details[0] == "next · starts in about 15 min 00 s"


class Details:
    def __init__(self):
        self.details = []

    def show(self, stage):
        self.details.append(stage.detail if stage else "")


def test_a_wait_of_days_ends_too(service):
    assert Patience().pause_s(None, 10**6) == Patience().longest_s


def test_the_services_of_a_single_run_are_asked_as_often_as_they_can_bear(service, made):
    service.handle_uploads()
    script = Paced(*[lambda: None] * 5, lambda: service.move(made, JobState.CANCELLED))
    patience = Patience(interval_s=0.2, heeds_server=False, clock=script.clock, wait=script.wait)
    with Client(PUBLIC_URL, transport=httpx.WSGITransport(app=service.app)) as client:
        follow(client, made["job_id"], made["token"], live=Recorder(), patience=patience)
    assert script.waits == [0.2] * 6


class Flaky(httpx.WSGITransport):
    is_down = False

    def handle_request(self, request):
        if self.is_down:
            raise httpx.ConnectError("connection refused")
        return super().handle_request(request)


def test_a_short_outage_is_forgiven_and_a_long_one_is_not(service, made):
    transport = Flaky(app=service.app)

    def switch(is_down):
        return lambda: setattr(transport, "is_down", is_down)

    script = Script(switch(True), switch(False), lambda: service.move(made, JobState.EXPIRED))
    assert follow_with(script, service, made, Recorder(), transport).state is JobState.EXPIRED
    script = Script(switch(True))
    script.now = 100.0
    transport.is_down = False
    made_anew = service.submit()
    with pytest.raises(Unreachable):
        follow_with(script, service, made_anew, Recorder(), transport)
    assert 5.0 < script.now - 100.0 < 8.0, "the pauses grow, and the patience is five seconds"
