"""The reporter as Pub/Sub sees it."""

import logging
import threading
from email.message import EmailMessage

import pytest

from services.reporter.app import create_app
from services.reporter.bootstrap import Reporter
from services.reporter.report.plots.drawer import Drawer
from shared.errors import Conflict, Transient
from shared.job.events import Topic, job_queued
from shared.job.job import JobState
from shared.push_gate import PushGate
from tests.job_fixture import NOW, make_job
from tests.push_fixture import BEARER, GOOD, STRANGERS, UNCHECKABLE, OneToken, envelope
from tests.reporter_fixture import Office, Tray, finished_job, open_office
from tests.result_fixture import make_result
from tests.waiting import PATIENCE_S


class PushedReporter:
    """A reporter with pushes, over memory."""

    def __init__(self, *, mailer: Tray | None = None) -> None:
        self.office: Office = open_office()
        self.dead: list[tuple[Topic, bytes]] = []
        tools = self.office.colleague(mailer) if mailer else self.office.tools
        gate = PushGate(verifier=OneToken(), record_dead=self._record, notified=lambda _attributes, _now: None)
        self.reporter = Reporter(tools=tools, bus=self.office.bus, drawer=Drawer(), gate=gate)
        self.http = create_app(self.reporter.handle, tools.store, gate).test_client()

    def _record(self, topic: Topic, data: bytes, reason: str) -> None:
        assert reason
        self.dead.append((topic, data))

    def post(self, body: bytes, authorization: str | None = BEARER):
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.http.post("/push/results", data=body, headers=headers, content_type="application/json")

    def finished(self) -> bytes:
        """Finish a job as the trainer does; returns the push that tells of it."""
        self.office.add(finished_job(), make_result())
        (event,) = self.office.bus.pull(Topic.RESULTS, lease=self.office.tools.terms.lease)
        return envelope(event.data)


@pytest.fixture
def pushed() -> PushedReporter:
    return PushedReporter()


def test_a_pushed_end_is_mailed(pushed: PushedReporter) -> None:
    answer = pushed.post(pushed.finished())
    assert (answer.status_code, answer.data) == (204, b"")
    assert pushed.office.job().state is JobState.DONE
    assert len(pushed.office.tray.messages) == 1


def test_an_end_pushed_several_times_is_mailed_once(pushed: PushedReporter) -> None:
    push = pushed.finished()
    assert [pushed.post(push).status_code for _ in range(3)] == [204, 204, 204]
    assert len(pushed.office.tray.messages) == 1


def test_a_second_push_while_the_first_is_at_work_comes_again_and_no_second_mail_is_sent() -> None:
    class SlowTray(Tray):
        """Takes a mail only once it is told to."""

        def __init__(self) -> None:
            super().__init__()
            self.asked, self.go_on = threading.Event(), threading.Event()

        def send(self, message: EmailMessage) -> None:
            self.asked.set()
            assert self.go_on.wait(PATIENCE_S)
            super().send(message)

    tray = SlowTray()
    pushed = PushedReporter(mailer=tray)
    push = pushed.finished()
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(pushed.post(push).status_code))
    first.start()
    assert tray.asked.wait(PATIENCE_S)
    assert pushed.post(push).status_code == 503
    tray.go_on.set()
    first.join(PATIENCE_S)
    assert answers == [204]
    assert pushed.post(push).status_code == 204
    assert len(tray.messages) == 1


def test_a_job_whose_report_failed_may_be_reported_again(pushed: PushedReporter) -> None:
    pushed.office.tray.errors = [Transient("busy"), Conflict("lost"), KeyError("bug")]
    push = pushed.finished()
    assert [pushed.post(push).status_code for _ in range(4)] == [503, 503, 500, 204]
    assert len(pushed.office.tray.messages) == 1


def test_poison_is_recorded_and_done_with(pushed: PushedReporter) -> None:
    assert pushed.post(envelope(b"garbage")).status_code == 204
    assert pushed.dead == [(Topic.RESULTS, b"garbage")]


def test_an_end_of_a_job_that_is_gone_is_done_with(pushed: PushedReporter) -> None:
    push = pushed.finished()
    assert PushedReporter().post(push).status_code == 204
    assert pushed.dead == []


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "push_unauthorised"),
        ("Bearer forged", 401, "push_unauthorised"),
        (f"Bearer {STRANGERS}", 403, "push_forbidden"),
        (f"Bearer {UNCHECKABLE}", 503, "try_again"),
    ],
)
def test_strangers_cannot_make_it_mail(
    pushed: PushedReporter, authorization: str | None, status: int, code: str
) -> None:
    answer = pushed.post(pushed.finished(), authorization)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert pushed.office.tray.messages == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/push/results", b"{", 400),
        ("POST", "/push/results", b"x" * 100_000, 413),
        ("GET", "/push/results", b"", 405),
        ("POST", "/healthz", b"", 405),
        ("GET", "/", b"", 404),
        ("POST", "/push/uploads", b"", 404),
    ],
)
def test_every_other_request_is_refused_in_the_one_shape(
    pushed: PushedReporter, method: str, path: str, body: bytes, status: int
) -> None:
    answer = pushed.http.open(path, method=method, data=body, headers={"Authorization": BEARER})
    assert answer.status_code == status
    assert answer.content_type == "application/json"
    assert answer.json["error"].keys() == {"code", "message", "fix", "details"}


def test_health_is_that_of_the_store(pushed: PushedReporter, caplog: pytest.LogCaptureFixture) -> None:
    answer = pushed.http.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})

    class FailingStore:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def __getattr__(self, name: str):
            raise self.error

    gate = pushed.reporter.gate
    assert gate is not None
    for error, status in ((Transient("10.0.0.7 sleeps"), 503), (KeyError("hunter2"), 500)):
        answer = create_app(pushed.reporter.handle, FailingStore(error), gate).test_client().get("/healthz")
        assert answer.status_code == status
        assert answer.json["error"].keys() == {"code", "message", "fix", "details"}
        assert "10.0.0.7" not in answer.text
        assert "hunter2" not in answer.text
    assert answer.json["error"]["details"]["incident"] in caplog.text


def test_an_event_or_a_job_that_cannot_be_read_does_not_make_the_service_unwell(pushed: PushedReporter) -> None:
    store, event = pushed.office.tools.store, job_queued("damaged", NOW)
    store.create(make_job("damaged"), [event])
    store.spoil_event(event.event_id, b"?")
    store.spoil_job("damaged")
    assert pushed.http.get("/healthz").status_code == 200
    assert pushed.post(pushed.finished()).status_code == 204, "and the others' reports are written"


def test_no_log_line_carries_a_token_or_an_address(pushed: PushedReporter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    push = pushed.finished()
    for authorization in ("Bearer forged", f"Bearer {STRANGERS}", f"Bearer {UNCHECKABLE}", BEARER):
        pushed.post(push, authorization)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "/push/results" in logged
    for secret in (GOOD, "forged", STRANGERS, UNCHECKABLE, pushed.office.job().email):
        assert secret not in logged
