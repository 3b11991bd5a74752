"""SendGrid's API as a local server answers it."""

import base64
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from services.reporter.bootstrap import build_reporter
from services.reporter.mailers.message import parse_sender, to_message
from services.reporter.mailers.sendgrid_mailer import SendGridAccount, SendGridMailer
from services.reporter.report.downloads import Downloads
from services.reporter.report.letter import write_letter
from services.reporter.settings import MailCarrier, ReporterSettings
from shared.errors import Transient, UserFault
from shared.settings import InvalidSettings
from tests.contract.mailer_contract import MailerContract, make_message
from tests.http_fixture import HANG, RESET, Asked, HttpServer, Reply, served
from tests.job_fixture import NOW
from tests.reporter_fixture import JOB_ID, draw, finished_job
from tests.result_fixture import make_result

KEY = "SG.a-key-that-nobody-may-see"
ACCEPTED = Reply(status=202, headers={"X-Message-Id": "abc"})


def complaint(status: int, message: str, field: str | None = None, **headers: str) -> Reply:
    errors = [{"message": message, "field": field, "help": None}]
    return Reply(status=status, body=json.dumps({"errors": errors}).encode(), headers=headers)


def read_back(asked: Asked) -> EmailMessage:
    """Build the mail of a request, as SendGrid would."""
    document = json.loads(asked.body)
    message = EmailMessage()
    message["Subject"], message["From"] = document["subject"], document["from"]["email"]
    message["To"] = document["personalizations"][0]["to"][0]["email"]
    for name, value in document["headers"].items():
        message[name] = value
    message.set_content(document["content"][0]["value"])
    return message


class Stopwatch:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class TestSendGridMailer(MailerContract):
    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[HttpServer]:
        with served(lambda _asked: ACCEPTED) as server:
            self.http = server
            yield server

    @pytest.fixture
    def mailer(self) -> SendGridMailer:
        self.stopwatch = Stopwatch()
        return SendGridMailer(self.account(), stopwatch=self.stopwatch)

    def account(self, timeout_s: float = 5.0) -> SendGridAccount:
        return SendGridAccount(key=KEY, host=self.http.url, timeout_s=timeout_s)

    def delivered(self) -> list[EmailMessage]:
        return [read_back(asked) for asked in self.http.asked]

    def break_down(self) -> None:
        self.http.stop()

    def answer(self, reply: Reply) -> None:
        self.http.reply = lambda _asked: reply

    def test_the_request_is_the_one_that_the_api_describes(self, mailer: SendGridMailer) -> None:
        mailer.send(make_message())
        (asked,) = self.http.asked
        assert (asked.method, asked.path) == ("POST", "/v3/mail/send")
        assert asked.headers["Authorization"] == f"Bearer {KEY}"
        assert asked.headers["Content-Type"] == "application/json"
        document = json.loads(asked.body)
        assert document["personalizations"] == [{"to": [{"email": "ada@example.org"}]}]
        assert document["from"] == {"email": "hello@convtailor.example"}
        assert document["headers"] == {"Message-ID": "<job-1.done@convtailor.example>", "X-Job-Id": "job-1"}
        assert document["tracking_settings"]["click_tracking"]["enable"] is False
        assert "attachments" not in document

    def test_a_whole_report_arrives_with_every_picture_where_the_html_points(self, mailer: SendGridMailer) -> None:
        result = make_result()
        job, sender = finished_job(), parse_sender("Convtailor ß", "hello@convtailor.example")
        downloads = Downloads(public_url="https://x.example")
        letter = write_letter(job, result, figures=draw(result), downloads=downloads)
        mailer.send(to_message(letter, job, sender=sender, now=NOW))
        document = json.loads(self.http.asked[0].body)
        assert document["from"] == {"email": "hello@convtailor.example", "name": "Convtailor ß"}
        assert document["subject"] == letter.subject
        assert [part["type"] for part in document["content"]] == ["text/plain", "text/html"]
        assert [part["value"].rstrip("\n") for part in document["content"]] == [
            letter.text.rstrip("\n"),
            letter.html,
        ]
        pointed_at = re.findall(r'src="cid:([^"]+)"', letter.html)
        files = {file["content_id"]: file for file in document["attachments"]}
        assert sorted(pointed_at) == sorted(files)
        assert len(files) == 16
        for picture in letter.pictures:
            file = files[picture.content_id]
            assert base64.b64decode(file["content"]) == picture.data
            assert file["type"] == f"image/{picture.subtype}"
            assert file["disposition"] == "inline"
            assert file["filename"] == f"{picture.name}.{picture.subtype}"
        assert document["headers"]["X-Job-Id"] == JOB_ID
        assert document["headers"]["Auto-Submitted"] == "auto-generated"
        assert not {"to", "from", "subject", "content-type", "mime-version"} & {
            each.lower() for each in document["headers"]
        }

    def test_a_file_beside_the_text_stays_one(self, mailer: SendGridMailer) -> None:
        message = make_message()
        message.add_attachment("a,b\n", subtype="csv", filename="scores.csv")
        message.add_attachment("only text\n", filename="notes.txt")
        mailer.send(message)
        document = json.loads(self.http.asked[0].body)
        assert len(document["content"]) == 1
        told = [(file["filename"], file["type"], file["disposition"]) for file in document["attachments"]]
        assert told == [("scores.csv", "text/csv", "attachment"), ("notes.txt", "text/plain", "attachment")]

    @pytest.mark.parametrize(
        "reply",
        [
            complaint(400, "Does not contain a valid address.", "personalizations.0.to.0.email"),
            complaint(400, "The attachment content must be base64.", "attachments.0.content"),
            complaint(413, "The payload is too large."),
            Reply(status=413, body=b"<html>too large</html>"),
            Reply(status=400),
        ],
        ids=["address", "content", "size", "size, said by a proxy", "no reason"],
    )
    def test_what_is_refused_for_good_is_the_persons_to_mend(self, mailer: SendGridMailer, reply: Reply) -> None:
        self.answer(reply)
        with pytest.raises(UserFault) as caught:
            mailer.send(make_message())
        assert caught.value.fault.code == "mail_refused"
        assert caught.value.fault.details == {"http_status": reply.status}
        if reply.body.startswith(b"{"):
            assert json.loads(reply.body)["errors"][0]["message"] in caught.value.fault.message

    @pytest.mark.parametrize(
        "reply",
        [
            complaint(400, "Does not contain a valid address.", "from.email"),
            complaint(401, "The provided authorization grant is invalid, expired, or revoked"),
            complaint(403, "The from address does not match a verified Sender Identity.", "from"),
            complaint(404, "no such path"),
            complaint(429, "too many requests"),
            complaint(500, "oops"),
            complaint(502, "bad gateway"),
            Reply(status=503, body=b"<html>asleep</html>"),
            Reply(status=500, body=b"[" * 100_000),
            Reply(status=200, body=b"<html>hello</html>"),
            Reply(status=307, headers={"Location": "http://127.0.0.1:9/"}),
            Reply(status=RESET),
        ],
        ids=lambda reply: f"{reply.status} {reply.body[:40].decode()}",
    )
    def test_what_may_pass_later_or_an_operator_mends_is_transient(self, mailer: SendGridMailer, reply: Reply) -> None:
        self.answer(reply)
        with pytest.raises(Transient) as caught:
            mailer.send(make_message())
        assert KEY not in str(caught.value)
        self.answer(ACCEPTED)
        mailer.send(make_message())

    def test_a_silent_server_is_given_up_in_time(self) -> None:
        self.answer(Reply(status=HANG))
        with pytest.raises(Transient, match="timed out"):
            SendGridMailer(self.account(timeout_s=0.1)).send(make_message())

    def test_a_body_that_breaks_off_is_transient(self, mailer: SendGridMailer) -> None:
        self.answer(Reply(status=500, body=b"{}", headers={"Content-Length": "5"}))
        with pytest.raises(Transient):
            mailer.send(make_message())

    @pytest.mark.parametrize("as_date", [False, True])
    def test_nothing_is_sent_before_the_time_that_was_asked_for(self, mailer: SendGridMailer, as_date: bool) -> None:
        until = format_datetime(datetime.now(UTC) + timedelta(seconds=31), usegmt=True) if as_date else "30"
        self.answer(complaint(429, "too many requests", **{"Retry-After": until}))
        with pytest.raises(Transient, match="too many requests"):
            mailer.send(make_message())
        self.answer(ACCEPTED)
        self.stopwatch.now_s += 29
        with pytest.raises(Transient, match="left alone"):
            mailer.send(make_message())
        assert len(self.http.asked) == 1
        self.stopwatch.now_s += 3
        mailer.send(make_message())
        assert len(self.http.asked) == 2

    @pytest.mark.parametrize("said", ["soon", "-5", "9" * 30, "Mon, 01 Jan 2024 00:00:00 GMT", "²"])
    def test_no_wait_that_makes_no_sense_stops_the_mail_for_good(self, mailer: SendGridMailer, said: str) -> None:
        self.answer(complaint(429, "too many requests", **{"Retry-After": said.encode().decode("latin-1")}))
        with pytest.raises(Transient):
            mailer.send(make_message())
        self.answer(ACCEPTED)
        self.stopwatch.now_s += 3600
        mailer.send(make_message())

    @pytest.mark.parametrize(
        "header",
        [
            b"Subject: =?utf-8?q?Hello=0D=0ABcc=3A_eve=40example=2Eorg?=",
            b"To: =?utf-8?q?Ada=0D=0ABcc=3A_eve?= <ada@example.org>",
            b"From: =?utf-8?q?a=0Ab?= <hello@convtailor.example>",
            b"X-Job-Id: =?utf-8?q?a=0D=0AX-Evil=3A_1?=",
        ],
    )
    def test_no_line_break_hidden_in_a_header_is_handed_on(self, mailer: SendGridMailer, header: bytes) -> None:
        name = header.partition(b":")[0].decode()
        given = {"Subject": "Hello", "To": "ada@example.org", "From": "hello@convtailor.example", "Message-ID": "<1@x>"}
        lines = [header, *(f"{key}: {value}".encode() for key, value in given.items() if key != name)]
        message = message_from_bytes(b"\r\n".join(lines) + b"\r\n\r\nHello.\r\n", policy=policy.default)
        assert isinstance(message, EmailMessage)
        with pytest.raises(UserFault) as caught:
            mailer.send(message)
        assert caught.value.fault.code == "mail_refused"
        assert self.http.asked == []

    @pytest.mark.parametrize("missing", ["To", "From"])
    def test_a_message_without_an_address_is_refused(self, mailer: SendGridMailer, missing: str) -> None:
        message = make_message()
        del message[missing]
        with pytest.raises(UserFault, match=missing):
            mailer.send(message)

    def test_the_key_is_shown_and_logged_nowhere(
        self, mailer: SendGridMailer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        mailer.send(make_message())
        self.answer(complaint(401, "no"))
        with pytest.raises(Transient):
            mailer.send(make_message())
        logged = " ".join(str(record.__dict__) for record in caplog.records)
        assert KEY not in logged + repr(self.account())
        assert "ada@example.org" not in logged


def reporter_settings(folder: Path, key: str) -> ReporterSettings:
    return ReporterSettings(data_dir=folder, mailer=MailCarrier.SENDGRID, sendgrid_key=key)


@pytest.mark.parametrize("key", ["", " \n", "SG.a b", "SG.\x00", "SG.é"])
def test_a_key_that_is_none_is_told_at_the_start(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidSettings, match="CONVTAILOR_SENDGRID_KEY") as caught:
        build_reporter(reporter_settings(tmp_path, key))
    assert "SG." not in str(caught.value)


def test_the_line_break_at_the_end_of_a_secret_is_no_part_of_it(tmp_path: Path) -> None:
    with served(lambda _asked: ACCEPTED) as server:
        settings = ReporterSettings(
            data_dir=tmp_path, mailer=MailCarrier.SENDGRID, sendgrid_key=f"{KEY}\n", sendgrid_host=server.url
        )
        build_reporter(settings).tools.mailer.send(make_message())
        assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
