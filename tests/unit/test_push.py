import logging
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from shared.errors import Conflict, MalformedEvent, NotFound, Transient, UserFault
from shared.job.events import Event, Topic, decode, encode, job_queued
from shared.messaging.envelope import Envelope, EnvelopeRefused, parse_envelope
from shared.messaging.push import PushAnswer, PushEndpoint, answer_call, answer_push
from shared.web.app import make_app
from shared.web.error_reply import OwnErrors
from shared.web.push_reply import push_response
from tests.job_fixture import NOW
from tests.push_fixture import BEARER, GOOD, STRANGERS, UNCHECKABLE, OneToken, envelope

EVENT = job_queued("job-1", NOW)


class Office:
    """An endpoint, and what was pushed to it."""

    def __init__(self, error: Exception | None = None, *, dead_error: Exception | None = None) -> None:
        self.handled: list[Event] = []
        self.dead: list[tuple[bytes, str]] = []
        self._error, self._dead_error = error, dead_error

    def push(
        self,
        body: bytes,
        authorization: str | None = BEARER,
        read: Callable[[Envelope], Event | None] | None = None,
    ) -> PushAnswer:
        reading = {} if read is None else {"read": read}
        endpoint = PushEndpoint(
            topic=Topic.JOBS, verifier=OneToken(), handler=self._handle, record_dead=self._record, **reading
        )
        return answer_push(body, authorization, endpoint)

    def _handle(self, event: Event) -> None:
        self.handled.append(event)
        if self._error:
            raise self._error

    def _record(self, data: bytes, reason: str) -> None:
        if self._dead_error:
            raise self._dead_error
        self.dead.append((data, reason))


def over_http(answer: PushAnswer) -> TestResponse:
    """Return an answer as the sender sees it."""
    app = make_app("push", OwnErrors(fix="Push."))
    app.add_url_rule("/", view_func=lambda: push_response(answer))
    return app.test_client().get("/")


def test_an_envelope_is_read_whole() -> None:
    read = parse_envelope(envelope(b"\x00data", attributes={"eventType": "OBJECT_FINALIZE"}, attempt=3))
    assert read.message.data == b"\x00data"
    assert read.message.attributes == {"eventType": "OBJECT_FINALIZE"}
    assert (read.message.message_id, read.attempt) == ("4711", 3)
    assert read.subscription.endswith("convtailor-uploads")


def test_an_envelope_may_lack_data_attributes_and_the_count_of_attempts() -> None:
    read = parse_envelope(envelope(attempt=None))
    assert (read.message.data, dict(read.message.attributes), read.attempt) == (b"", {}, None)
    read = parse_envelope(b'{"message": {"messageId": "1", "data": null, "attributes": null}}')
    assert (read.message.data, dict(read.message.attributes)) == (b"", {})


NONSENSE = {
    "nothing": b"",
    "bad JSON": b"{",
    "no UTF-8": b'"\xff"',
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "null": b"null",
    "no message": b"{}",
    "a message that is text": b'{"message": "hello"}',
    "no id": b'{"message": {"data": "e30="}}',
    "bad base64": b'{"message": {"messageId": "1", "data": "*secret*"}}',
    "base64 with a gap": b'{"message": {"messageId": "1", "data": "e3 0="}}',
    "data beyond ASCII": '{"message": {"messageId": "1", "data": "é"}}'.encode(),
    "attributes that are a list": b'{"message": {"messageId": "1", "attributes": ["secret"]}}',
    "an attribute that is a number": b'{"message": {"messageId": "1", "attributes": {"a": 1}}}',
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_no_envelope_is_answered_400_unhandled(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EnvelopeRefused):
        parse_envelope(NONSENSE[name])
    office = Office()
    answer = office.push(NONSENSE[name])
    assert answer.status == 400
    assert (office.handled, office.dead) == ([], [])
    assert "secret" not in caplog.text


def test_a_handled_event_is_answered_204_without_a_body() -> None:
    office = Office()
    assert office.push(envelope(encode(EVENT))) == PushAnswer(status=204)
    assert office.handled == [EVENT]


@pytest.mark.parametrize(
    ("error", "status", "num_dead"),
    [
        (NotFound("no job"), 204, 0),
        (Conflict("written since"), 503, 0),
        (Transient("store sleeps"), 503, 0),
        (UserFault("bad", "Bad.", fix="Mend."), 204, 1),
        (MalformedEvent("what?"), 204, 1),
        (KeyError("bug"), 500, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_error_decides_the_status(error: Exception, status: int, num_dead: int) -> None:
    office = Office(error)
    assert office.push(envelope(encode(EVENT))).status == status
    assert [decode(data) for data, _ in office.dead] == [EVENT] * num_dead


@pytest.mark.parametrize("data", [None, b"", b"garbage", b"[]", b'{"type":"job_queued"}'])
def test_poison_is_recorded_with_its_bytes_and_reason_and_answered_204(data: bytes | None) -> None:
    office = Office()
    assert office.push(envelope(data)).status == 204
    ((recorded, reason),) = office.dead
    assert recorded == (data or b"")
    assert "expected an event of version 1" in reason
    assert office.handled == []


def test_poison_that_cannot_be_recorded_comes_again() -> None:
    office = Office(dead_error=Transient("the bus sleeps"))
    assert office.push(envelope(b"garbage")).status == 503


def test_another_products_message_becomes_an_event_or_nothing() -> None:
    office = Office()
    notification = envelope(b"{}", attributes={"eventType": "OBJECT_FINALIZE"})
    assert office.push(notification, read=lambda _envelope: EVENT).status == 204
    assert office.push(notification, read=lambda _envelope: None).status == 204
    assert office.handled == [EVENT]


def test_another_products_message_that_is_poison_is_recorded_as_the_event_it_became() -> None:
    office = Office(UserFault("bad", "Bad.", fix="Mend."))
    office.push(envelope(b"{}", attributes={"eventType": "OBJECT_FINALIZE"}), read=lambda _envelope: EVENT)
    assert [decode(data) for data, _ in office.dead] == [EVENT]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        (GOOD, 401),
        ("Bearer", 401),
        ("Bearer  ", 401),
        (f"Basic {GOOD}", 401),
        ("Bearer forged", 401),
        (f"Bearer {STRANGERS}", 403),
        (f"Bearer {UNCHECKABLE}", 503),
        (f"bearer {GOOD}", 204),
    ],
)
def test_only_the_right_token_opens(authorization: str | None, status: int) -> None:
    office = Office()
    assert office.push(envelope(encode(EVENT)), authorization).status == status
    assert office.handled == [EVENT] * (status == 204)


def test_the_token_is_looked_at_before_the_body() -> None:
    assert Office().push(b"{", "Bearer forged").status == 401


@pytest.mark.parametrize(
    ("authorization", "body", "header"),
    [
        ("Bearer forged", b"", ("WWW-Authenticate", "Bearer")),
        (f"Bearer {STRANGERS}", b"", None),
        (f"Bearer {UNCHECKABLE}", b"", ("Retry-After", "2")),
        (BEARER, b"", None),
    ],
)
def test_every_refusal_has_the_one_shape_of_errors(
    authorization: str, body: bytes, header: tuple[str, str] | None
) -> None:
    answer = over_http(Office().push(body, authorization))
    assert answer.status_code >= 400
    assert answer.json.keys() == {"error"}
    assert answer.json["error"].keys() == {"code", "message", "fix", "details"}
    asked = [each for each in answer.headers if each[0] in ("WWW-Authenticate", "Retry-After")]
    assert asked == ([header] if header else [])


def test_a_call_is_answered_with_its_document() -> None:
    answer = answer_call(BEARER, OneToken(), lambda: PushAnswer(status=200, document={"num_expired": 1}))
    told = over_http(answer)
    assert (told.status_code, told.json) == (200, {"num_expired": 1})


def test_neither_tokens_nor_messages_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for authorization in (BEARER, "Bearer forged", f"Bearer {STRANGERS}", f"Bearer {UNCHECKABLE}"):
        for body in (envelope(encode(EVENT)), b'{"message": "hush"}', envelope(attributes={"a": "hush"})):
            Office(Transient("later")).push(body, authorization)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert caplog.records
    for secret in (GOOD, "forged", STRANGERS, UNCHECKABLE, "hush"):
        assert secret not in logged


def test_a_surprise_leaves_its_traceback_in_the_log_and_nothing_in_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = Office(KeyError("hunter2")).push(envelope(encode(EVENT)))
    assert "hunter2" not in over_http(answer).text
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError
