"""Intake as Pub/Sub, Cloud Storage and Cloud Scheduler see it."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.intake.app import create_app
from services.intake.bootstrap import bootstrap
from services.intake.events.archive_event import handle_archive
from services.intake.events.push import PushRoutes
from services.intake.settings import IntakeSettings
from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
from shared.adapters.gcp.storage.notification import event_of_notification
from shared.errors import Transient
from shared.job.events import Event, Topic, archive_uploaded, decode, encode, job_queued
from shared.job.job import JobState, advance
from shared.messaging.envelope import parse_envelope
from shared.messaging.push import TokenRefused
from shared.messaging.sweeper import Patience, sweep
from shared.push_gate import PushGate, PushSettings, open_push_gate
from shared.settings import InvalidSettings
from shared.web.address import PublicAddress
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.intake_fixture import IntakeFixture, small_archive
from tests.oidc_fixture import ACCOUNT, AUDIENCE, Issuer, served_certificates
from tests.push_fixture import BEARER, GOOD, STRANGERS, UNCHECKABLE, OneToken, envelope

PATIENCE = timedelta(minutes=2)


class PushedIntake(IntakeFixture):
    """Intake with pushes, over memory; ``post`` calls it as Google's products do."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dead: list[tuple[Topic, bytes]] = []
        gate = PushGate(verifier=OneToken(), record_dead=self._record, notified=_notified)
        pushes = PushRoutes(
            gate=gate,
            handle=lambda event: handle_archive(event, **self.back_ends(), clock=self.clock),
            sweep=lambda: sweep(
                **self.back_ends(), heartbeats=self.heartbeats, now=self.clock(), patience=Patience(usual=PATIENCE)
            ),
            expire=lambda: replace(self.keeper, store=self.store).expire(self.clock()),
            clock=self.clock,
        )
        self.http = create_app(self.job_routes, self.page_routes, self.link_routes, None, pushes).test_client()

    def back_ends(self) -> dict:
        return {"store": self.store, "objects": self.objects, "bus": self.bus}

    def _record(self, topic: Topic, data: bytes, reason: str) -> None:
        assert reason
        self.dead.append((topic, data))

    def post(self, path: str, body: bytes = b"", authorization: str | None = BEARER):
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.http.post(path, data=body, headers=headers, content_type="application/json")

    def uploaded(self) -> str:
        """Make a job whose archive lies in the store; returns its id."""
        made = self.submit()
        key = self.store.get(made["job_id"]).job.upload.object_key
        self.keep(key, small_archive(), "application/zip")
        return made["job_id"]

    def notification(self, job_id: str, **changes: str) -> bytes:
        stored = self.objects.stat(self.store.get(job_id).job.upload.object_key)
        attributes = {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": "data",
            "objectId": stored.key,
            "objectGeneration": stored.generation,
            "payloadFormat": "NONE",
        }
        return envelope(attributes={**attributes, **changes})

    def state(self, job_id: str) -> JobState:
        return self.store.get(job_id).job.state


def _notified(attributes: Mapping[str, str], now: datetime) -> Event | None:
    return event_of_notification(attributes, bucket="data", now=now)


@pytest.fixture
def intake() -> PushedIntake:
    return PushedIntake()


def test_a_notification_of_the_object_store_queues_the_job(intake: PushedIntake) -> None:
    job_id = intake.uploaded()
    answer = intake.post("/push/uploads", intake.notification(job_id))
    assert (answer.status_code, answer.data) == (204, b"")
    assert intake.state(job_id) is JobState.QUEUED


def test_an_event_of_the_sweeper_queues_the_job(intake: PushedIntake) -> None:
    job_id = intake.uploaded()
    stored = intake.objects.stat(intake.store.get(job_id).job.upload.object_key)
    event = archive_uploaded(job_id, intake.clock(), object_key=stored.key, generation=stored.generation)
    assert intake.post("/push/uploads", envelope(encode(event))).status_code == 204
    assert intake.state(job_id) is JobState.QUEUED


def test_a_notification_told_twice_makes_one_queued_job(intake: PushedIntake) -> None:
    job_id = intake.uploaded()
    for _ in range(3):
        assert intake.post("/push/uploads", intake.notification(job_id)).status_code == 204
    assert intake.events(Topic.JOBS) == ["job_queued"]
    assert intake.dead == []


def test_other_notifications_change_nothing(intake: PushedIntake) -> None:
    job_id = intake.uploaded()
    answer = intake.post("/push/uploads", intake.notification(job_id, eventType="OBJECT_DELETE"))
    assert answer.status_code == 204
    assert intake.state(job_id) is JobState.AWAITING_UPLOAD


def test_a_notification_without_its_object_is_poison(intake: PushedIntake) -> None:
    broken = intake.notification(intake.uploaded(), objectId="")
    assert intake.post("/push/uploads", broken).status_code == 204
    assert len(intake.dead) == 1


def test_an_upload_for_a_job_that_is_gone_is_done_with(intake: PushedIntake) -> None:
    event = archive_uploaded("gone", intake.clock(), object_key="uploads/gone/archive.zip", generation="1")
    assert intake.post("/push/uploads", envelope(encode(event))).status_code == 204
    assert intake.dead == []


def test_poison_is_recorded_and_done_with(intake: PushedIntake) -> None:
    assert intake.post("/push/uploads", envelope(b"garbage")).status_code == 204
    assert intake.dead == [(Topic.UPLOADS, b"garbage")]


def test_the_hourly_call_deletes_the_photographs_of_a_job_that_is_over(intake: PushedIntake) -> None:
    job_id = intake.uploaded()
    stored = intake.store.get(job_id)
    intake.store.replace(stored, advance(stored.job, JobState.CANCELLED, intake.clock()))
    answer = intake.post("/tasks/expire")
    assert answer.status_code == 200
    assert answer.json == {"num_archives": 1, "num_forgotten": 0, "num_strays": 0, "num_records": 0}
    assert list(intake.objects.list("uploads/")) == []


def test_the_sweepers_call_finds_an_upload_whose_notification_never_came(intake: PushedIntake) -> None:
    job_id = intake.uploaded()
    intake.clock.now += PATIENCE + timedelta(seconds=1)
    answer = intake.post("/tasks/sweep")
    assert answer.status_code == 200
    assert answer.json == {"num_expired": 0, "num_reminded": 1, "num_published": 1}
    (delivery,) = intake.bus.pull(Topic.UPLOADS, lease=PATIENCE)
    assert intake.post("/push/uploads", envelope(delivery.data)).status_code == 204
    assert intake.state(job_id) is JobState.QUEUED
    assert decode(delivery.data).job_id == job_id


@pytest.mark.parametrize("path", ["/push/uploads", "/tasks/sweep"])
@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "push_unauthorised"),
        ("Bearer forged", 401, "push_unauthorised"),
        (f"Bearer {STRANGERS}", 403, "push_forbidden"),
        (f"Bearer {UNCHECKABLE}", 503, "try_again"),
    ],
)
def test_strangers_change_nothing_and_are_told_so_in_the_one_shape(
    intake: PushedIntake, path: str, authorization: str | None, status: int, code: str
) -> None:
    job_id = intake.uploaded()
    intake.clock.now += timedelta(days=1)
    answer = intake.post(path, intake.notification(job_id), authorization)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert intake.state(job_id) is JobState.AWAITING_UPLOAD
    assert intake.events(Topic.UPLOADS) == []
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/push/uploads", b"{", 400),
        ("POST", "/push/uploads", b"x" * 100_000, 413),
        ("GET", "/push/uploads", b"", 405),
        ("GET", "/tasks/sweep", b"", 405),
        ("GET", "/tasks/expire", b"", 405),
        ("POST", "/push/results", b"", 404),
    ],
)
def test_every_other_request_is_refused_in_the_one_shape(
    intake: PushedIntake, method: str, path: str, body: bytes, status: int
) -> None:
    answer = intake.http.open(path, method=method, data=body, headers={"Authorization": BEARER})
    assert answer.status_code == status
    assert answer.json["error"].keys() == {"code", "message", "fix", "details"}


class SilentStore:
    """A store whose product does not answer."""

    def __getattr__(self, name: str):
        raise Transient("the store sleeps")


def test_a_store_that_does_not_answer_brings_everything_again(intake: PushedIntake) -> None:
    notification = intake.notification(intake.uploaded())
    intake.store = SilentStore()
    for path in ("/push/uploads", "/tasks/sweep", "/tasks/expire"):
        answer = intake.post(path, notification)
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "try_again")
        assert answer.headers["Retry-After"]


def test_no_log_line_carries_a_token(intake: PushedIntake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for authorization in (BEARER, "Bearer forged", f"Bearer {STRANGERS}", f"Bearer {UNCHECKABLE}"):
        for path in ("/push/uploads", "/tasks/sweep", "/tasks/expire"):
            intake.post(path, envelope(encode(job_queued("job-1", intake.clock()))), authorization)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "/push/uploads" in logged
    for secret in (GOOD, "forged", STRANGERS, UNCHECKABLE):
        assert secret not in logged


@pytest.mark.parametrize("path", ["/push/uploads", "/tasks/sweep", "/tasks/expire"])
def test_where_events_are_pulled_nothing_can_be_pushed(path: str) -> None:
    answer = IntakeFixture().http.post(path, data=envelope(b"{}"), headers={"Authorization": BEARER})
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "route_not_found")


def test_the_embedded_service_pulls_and_sweeps_by_itself(tmp_path) -> None:
    intake = bootstrap(IntakeSettings(data_dir=tmp_path), address=PublicAddress(url="http://intake.test"))
    rules = {rule.rule for rule in intake.app.url_map.iter_rules()}
    assert not rules & {"/push/uploads", "/tasks/sweep", "/tasks/expire"}


def test_the_gate_of_the_cloud_takes_the_accounts_tokens_and_its_own_buckets_news(intake: PushedIntake) -> None:
    issuer = Issuer()
    attributes = parse_envelope(intake.notification(job_id := intake.uploaded())).message.attributes
    with served_certificates(issuer) as certificates:
        settings = PushSettings(
            backend="gcp",
            gcp_bucket="data",
            push_audience=AUDIENCE,
            push_account=ACCOUNT,
            push_certs_url=certificates.url,
        )
        gate = open_push_gate(settings, PubsubEventBus("demo"))
        assert gate is not None
        gate.verifier.verify(issuer.token())
        with pytest.raises(TokenRefused):
            gate.verifier.verify(issuer.token(aud="https://another.example"))
    event = gate.notified(attributes, intake.clock())
    assert event is not None
    assert (event.job_id, event.topic) == (job_id, Topic.UPLOADS)
    assert gate.notified({**attributes, "bucketId": "another"}, intake.clock()) is None


@pytest.mark.parametrize("missing", [{"push_audience"}, {"push_account"}, {"push_audience", "push_account"}])
def test_pushes_without_audience_or_account_are_refused_at_the_start(missing: set[str]) -> None:
    good = PushSettings(backend="gcp", push_audience="https://intake.example", push_account="p@x.example")
    with pytest.raises(InvalidSettings) as caught:
        open_push_gate(replace(good, **dict.fromkeys(missing, None)), MemoryEventBus())
    told = {line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]}
    assert told == {f"CONVTAILOR_{name.upper()}" for name in missing}
