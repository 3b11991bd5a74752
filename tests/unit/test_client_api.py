"""The client against the real intake app, in one process and over memory."""

import json
from datetime import timedelta

import httpx
import pytest

from services.client.api.client import Client
from services.client.delivery import fetch
from services.client.fault import Unreachable, UsageFault
from shared.errors import UserFault
from shared.job.job import Artefacts, JobState
from tests.intake_fixture import MAX_BYTES, PUBLIC_URL, IntakeFixture, small_archive


@pytest.fixture
def service():
    return IntakeFixture()


@pytest.fixture
def client(service):
    with Client(PUBLIC_URL, transport=httpx.WSGITransport(app=service.app)) as client:
        yield client


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "photos.zip"
    path.write_bytes(small_archive())
    return path


def answering(handler):
    return Client("http://elsewhere.test", transport=httpx.MockTransport(handler))


def test_a_job_is_made_sent_seen_and_cancelled(client, service, archive):
    heard = []
    created = client.submit("ada@example.org", {"epochs": 3})
    client.upload(created.upload, archive, on_bytes=lambda done, total: heard.append((done, total)))
    service.handle_uploads()

    view = client.status(created.job_id, created.token)
    assert view.state is JobState.QUEUED
    assert view.archive["num_images"] == 10
    assert heard[-1] == (archive.stat().st_size, archive.stat().st_size)
    assert client.cancel(created.job_id, created.token).state is JobState.CANCELLED


def test_every_fault_of_a_request_comes_back_as_the_server_told_it(client):
    with pytest.raises(UsageFault) as caught:
        client.submit("no address", {"epochs": 0, "colour": "red"})
    codes = {fault["code"] for fault in caught.value.fault.details["faults"]}
    assert codes == {"invalid_email", "invalid_option", "unknown_option"}


def test_a_wrong_token_is_a_usage_fault(client):
    created = client.submit("ada@example.org", {})
    with pytest.raises(UsageFault) as caught:
        client.status(created.job_id, "wrong")
    assert caught.value.fault.code == "job_not_found"


def test_an_archive_over_the_cap_is_refused_by_name(client, tmp_path):
    large = tmp_path / "large.zip"
    large.write_bytes(bytes(MAX_BYTES + 1))
    created = client.submit("ada@example.org", {})
    with pytest.raises(UserFault) as caught:
        client.upload(created.upload, large)
    assert caught.value.fault.code == "upload_too_large"
    assert not isinstance(caught.value, UsageFault)


def test_a_size_told_beforehand_is_refused_before_anything_is_sent(client):
    with pytest.raises(UsageFault) as caught:
        client.submit("ada@example.org", {}, size_bytes=MAX_BYTES + 1)
    assert caught.value.fault.code == "upload_too_large"


def test_an_upload_whose_answer_was_lost_is_not_an_error(service, archive):
    class Forgetful(httpx.WSGITransport):
        num_uploads = 0

        def handle_request(self, request):
            response = super().handle_request(request)
            if request.method == "PUT":
                self.num_uploads += 1
                if self.num_uploads == 1:
                    raise httpx.ReadError("connection reset")
            return response

    transport = Forgetful(app=service.app)
    with Client(PUBLIC_URL, transport=transport) as client:
        created = client.submit("ada@example.org", {})
        client.upload(created.upload, archive)
    assert transport.num_uploads == 2
    assert service.objects.read(f"uploads/{created.job_id}/archive.zip") == archive.read_bytes()


def test_everything_a_job_left_is_fetched_and_foreign_files_stay(client, service, archive, tmp_path):
    created = client.submit("ada@example.org", {})
    client.upload(created.upload, archive)
    service.handle_uploads()
    made = {"job_id": created.job_id}
    kept = {
        "result": service.keep("jobs/1/result.json", b"{}"),
        "model_h5": service.keep("jobs/1/model.h5", b"network"),
        "labels": service.keep("jobs/1/labels.txt", b"cat\ndog\n"),
    }
    service.move(made, JobState.TRAINING, JobState.REPORTING, artefacts=Artefacts(**kept))
    out = tmp_path / "results"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    (out / ".convtailor-fetch-of-one-that-was-killed").mkdir()
    for name in ("model.h5", "model.onnx", "strangers.json"):
        (out / name).write_text("of an earlier run")

    files = fetch(client, client.status(created.job_id, created.token), created.token, out)

    assert {path.name: path.read_bytes() for path in files.values()} == {
        "result.json": b"{}",
        "model.h5": b"network",
        "labels.txt": b"cat\ndog\n",
    }
    assert sorted(path.name for path in out.iterdir()) == ["labels.txt", "mine.txt", "model.h5", "result.json"]


def test_a_run_that_left_no_network_takes_away_none(client, service, tmp_path):
    made = service.submit()
    service.move(made, JobState.EXPIRED)
    (tmp_path / "model.onnx").write_text("of an earlier run")
    (tmp_path / "a.eml").write_text("sorry")
    fetch(
        client,
        client.status(made["job_id"], made["token"]),
        made["token"],
        tmp_path,
        besides={"mail": tmp_path / "a.eml"},
    )
    assert (tmp_path / "model.onnx").exists()


def test_nothing_to_fetch_says_when_to_come_back(client, tmp_path):
    created = client.submit("ada@example.org", {})
    with pytest.raises(UserFault, match="awaiting_upload"):
        fetch(client, client.status(created.job_id, created.token), created.token, tmp_path / "results")


def test_what_was_deleted_meanwhile_is_told_as_such(client, service, tmp_path):
    made = service.submit()
    done = service.move(made, JobState.QUEUED, JobState.TRAINING, JobState.REPORTING, JobState.DONE)
    view = client.status(made["job_id"], made["token"])
    assert view.files_kept_until == done.updated_at + timedelta(days=30)
    service.move(made, artefacts=Artefacts(), forgotten_at=service.clock())
    view = client.status(made["job_id"], made["token"])
    with pytest.raises(UserFault) as caught:
        fetch(client, view, made["token"], tmp_path / "results")
    assert caught.value.fault.code == "artefact_expired"
    assert "was deleted on 2026-03-01" in caught.value.fault.message


def test_the_token_goes_to_no_other_server(tmp_path):
    asked = []

    def answer(request):
        asked.append((str(request.url), request.headers.get("authorization")))
        return httpx.Response(200, content=b"x")

    with answering(answer) as client:
        client.download("http://trap.test/v1/jobs/1/model?format=keras", "secret", tmp_path / "model")
    assert asked == [("http://elsewhere.test/v1/jobs/1/model?format=keras", "Bearer secret")]


def _refuse(request):
    raise httpx.ConnectError("connection refused", request=request)


_BROKEN = {"error": {"code": "try_again", "message": "Busy.", "fix": "Wait.", "details": {}}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_refuse, "does not answer: connection refused"),
        (lambda _: httpx.Response(200, text="<html>"), "not a convtailor server"),
        (lambda _: httpx.Response(200, json={"hello": 1}), "not a convtailor server"),
        (lambda _: httpx.Response(404, json={"detail": "no"}), "not a convtailor server"),
        (lambda _: httpx.Response(503, json=_BROKEN), "cannot answer now: Busy"),
        (lambda _: httpx.Response(502, text="<html>"), "cannot answer now: HTTP 502 Bad Gateway"),
    ],
)
def test_a_server_that_is_none_is_unreachable(answer, words):
    with answering(answer) as client, pytest.raises(Unreachable, match=words):
        client.status("1", "token")


def test_a_bucket_that_refuses_in_its_own_words_is_quoted(archive):
    created = {
        "job_id": "1",
        "token": "t",
        "upload": {"url": "http://bucket.test/x", "method": "PUT", "headers": {}},
        "status_url": "",
    }

    def answer(request):
        if request.url.host == "bucket.test":
            return httpx.Response(403, text="<Error>SignatureDoesNotMatch</Error>")
        return httpx.Response(201, content=json.dumps(created))

    with answering(answer) as client, pytest.raises(UserFault) as caught:
        client.upload(client.submit("ada@example.org", {}).upload, archive)
    assert caught.value.fault.code == "upload_refused"
    assert "SignatureDoesNotMatch" in caught.value.fault.details["answer"]


def test_an_upload_that_fails_names_the_address_that_failed_and_no_secret(archive):
    created = {
        "job_id": "1",
        "token": "t",
        "upload": {"url": "http://bucket.test/x?signature=hush", "method": "PUT", "headers": {}},
        "status_url": "http://elsewhere.test/v1/jobs/1",
    }

    def answer(request):
        if request.url.host == "bucket.test":
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(201, content=json.dumps(created))

    with answering(answer) as client, pytest.raises(Unreachable) as caught:
        client.upload(client.submit("ada@example.org", {}).upload, archive)
    assert caught.value.fault.message.startswith("http://bucket.test, where http://elsewhere.test wants the archive")
    assert "hush" not in str(caught.value.fault)


@pytest.mark.parametrize("server", ["localhost:8080", "http://", "http://[::1", "http://localhost:port"])
def test_what_is_no_address_is_a_usage_fault(server):
    with pytest.raises(UsageFault, match="no address of a server"):
        Client(server)


def test_a_server_that_leads_from_http_to_https_names_the_address_to_give():
    def answer(request):
        return httpx.Response(301, headers={"Location": str(request.url.copy_with(scheme="https"))})

    with (
        Client("http://lab.example.org/convtailor", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(UsageFault) as caught,
    ):
        client.submit("ada@example.org", {})
    assert caught.value.fault.fix.endswith("--server https://lab.example.org/convtailor")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("ALL_PROXY", "socks://127.0.0.1:1080/"),
        ("NO_PROXY", "localhost,fd00::/8"),
        ("SSL_CERT_FILE", "/nowhere/at/all"),
    ],
)
def test_a_proxy_that_cannot_be_used_keeps_nobody_from_a_server_on_this_machine(monkeypatch, variable, value):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv(variable, value)
    for here in ("http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"):
        Client(here).close()
    with pytest.raises(UsageFault, match="The environment names no usable way to http://lab"):
        Client("http://lab.example.org")


def test_a_token_is_taken_without_its_line_end_and_refused_where_it_was_shortened():
    asked = []

    def answer(request):
        asked.append(request.headers["authorization"])
        return httpx.Response(200, json={"jobs": []})

    with answering(answer) as client:
        client.jobs_document("ctk_1\r\n", 24)
        with pytest.raises(UsageFault, match="characters that none has"):
            client.jobs_document("ctk_…", 24)
    assert asked == ["Bearer ctk_1"]


@pytest.mark.parametrize(
    "told", ["https://lab.example.org/convtailor", "http://127.0.0.1:8080", "https://lab.example.org/v1/jobs/a"]
)
def test_a_file_is_fetched_from_where_the_server_was_found_whatever_it_calls_itself(tmp_path, told):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=b"network")

    with Client("https://lab.example.org/convtailor", transport=httpx.MockTransport(answer)) as client:
        client.download(f"{told}/v1/jobs/0a1b/model?format=onnx", "token", tmp_path / "model.onnx")
    assert asked == ["https://lab.example.org/convtailor/v1/jobs/0a1b/model?format=onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == b"network"
