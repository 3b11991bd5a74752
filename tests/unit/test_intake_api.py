"""The API of jobs as a person meets it."""

import dataclasses
import json
from datetime import datetime, timedelta

import pytest
from email_validator import EmailNotValidError, validate_email

from services.intake.api.error_code import OWN_ERRORS
from services.intake.job_request import is_plain
from shared.errors import Fault
from shared.job.claim import Claim
from shared.job.events import Topic, job_queued
from shared.job.job import Archive, Artefacts, JobState, Trial, TrialState
from shared.job.options import JobOptions
from shared.job.progress import Best, Progress, Spending
from shared.job.retention import forgotten
from shared.json_codec import to_json
from shared.web.address import PublicAddress
from shared.web.app import make_app
from tests.intake_fixture import MAX_BYTES, PUBLIC_URL, IntakeFixture, bearer
from tests.job_fixture import make_heartbeat, make_job

ARCHIVE = Archive(object_key="uploads/x", generation="1", size_bytes=10, num_images=20, num_classes=2)
ARTEFACTS = Artefacts(
    result="r",
    model_h5="h",
    model_keras="k",
    model_onnx="o",
    model_tflite="t",
    model_tflite_float16="t16",
    model_coreml="c",
    model_zip="z",
    labels="l",
    predict="p",
    report="html",
)


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture()


def test_new_job_tells_all_that_is_needed_to_go_on(service):
    answer = service.http.post("/v1/jobs", json={"email": "ada@example.org", "epochs": 3})
    made = answer.json
    assert answer.status_code == 201
    assert answer.headers["Location"] == made["status_url"] == f"{PUBLIC_URL}/v1/jobs/{made['job_id']}"
    assert made["upload"]["method"] == "PUT"
    assert made["upload"]["url"].startswith(PUBLIC_URL)
    assert made["upload"]["headers"] == {"Content-Type": "application/zip"}
    assert made["upload"]["expires_at"] == "2026-03-01T13:00:00.250000Z"
    status = service.status(made)
    assert status["state"] == "awaiting_upload"
    assert status["options"] == to_json(JobOptions(epochs=3))
    assert (status["phase"], status["error"], status["best"], status["trials"]) == (None, None, None, [])


def test_a_service_known_under_letters_of_any_language_tells_an_address_that_fits_into_a_header(service):
    app = make_app("intake", OWN_ERRORS)
    named = PublicAddress(url="http://\u0444\u043e\u0442\u043e.example/\u0447")
    app.register_blueprint(dataclasses.replace(service.job_routes, address=named).blueprint())
    answer = app.test_client().post("/v1/jobs", json={"email": "ada@example.org"})
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith("http://xn--n1aalg.example/%D1%87/v1/jobs/")


def test_token_is_stored_nowhere_and_nothing_repeats(service):
    first, second = service.submit(), service.submit()
    assert first["token"] not in json.dumps(to_json(service.store.get(first["job_id"]).job))
    assert first["job_id"] != second["job_id"]
    assert first["token"] != second["token"]
    assert first["job_id"] not in first["token"]
    assert len(first["token"]) == 64
    assert len(first["job_id"]) == 32


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"email": "ada@example.org", "seed": 7, "candidates": ["tiny", "vgg16"]}},
        {"json": {"email": "ada@example.org", "options": {"seed": "7", "candidates": "tiny, VGG16"}}},
        {"query_string": {"email": "ada@example.org"}, "json": {"seed": 7, "candidates": ["tiny", "vgg16"]}},
        {"query_string": {"email": "ada@example.org", "seed": "7", "candidates": "tiny,vgg16"}},
        {"data": {"email": " ada@example.org ", "seed": "7", "candidates": ["tiny", "vgg16"], "epochs": ""}},
        {
            "data": {"email": "ada@example.org", "seed": "7", "candidates": "tiny,vgg16"},
            "content_type": "multipart/form-data",
        },
    ],
)
def test_every_way_of_sending_a_request_means_the_same(service, sent):
    answer = service.http.post("/v1/jobs", **sent)
    assert answer.status_code == 201, answer.text
    job = service.store.get(answer.json["job_id"]).job
    assert job.email == "ada@example.org"
    assert job.options == JobOptions(seed=7, candidates=("tiny", "vgg16"))


def test_every_fault_is_told_at_once(service):
    answer = service.http.post(
        "/v1/jobs", json={"email": "ada", "epochs": 0, "budget_minutes": "soon", "epoch": 1, "candidates": ["vgg"]}
    )
    assert answer.status_code == 400
    error = answer.json["error"]
    assert error["code"] == "invalid_request"
    told = {(each["code"], each["details"]["field"]) for each in error["details"]["faults"]}
    assert told == {
        ("invalid_email", "email"),
        ("invalid_option", "epochs"),
        ("invalid_option", "budget_minutes"),
        ("unknown_option", "epoch"),
        ("invalid_option", "candidates"),
    }
    assert all(each["fix"] for each in error["details"]["faults"])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"json": {}}, "email_missing"),
        ({}, "email_missing"),
        ({"json": {"email": "ada@example.org", "turbo": 1}}, "unknown_option"),
        ({"query_string": {"email": "ada@example.org", "turbo": "1"}}, "unknown_option"),
        ({"json": {"email": "ada@example.org", "seed": -1}}, "invalid_option"),
        ({"json": {"email": "ada@example.org", "options": "seed=1"}}, "invalid_option"),
        ({"json": {"email": "a@example.org"}, "query_string": {"email": "b@example.org"}}, "field_repeated"),
        ({"data": {"email": ["a@example.org", "b@example.org"]}}, "field_repeated"),
        ({"query_string": "email=a@example.org&email=b@example.org"}, "field_repeated"),
        ({"json": ["ada@example.org"]}, "invalid_json"),
        ({"data": b'{"email": ', "content_type": "application/json"}, "invalid_json"),
        ({"data": b"[" * 60_000, "content_type": "application/json"}, "invalid_json"),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, "invalid_json"),
        ({"data": b"email", "content_type": "text/plain"}, "unsupported_media_type"),
        ({"data": b'{"email": "a@example.org"}'}, "unsupported_media_type"),
        (
            {"data": b'{"email": "a@example.org"}', "content_type": "application/x-www-form-urlencoded"},
            "unsupported_media_type",
        ),
        ({"json": {"email": "a" * 70_000}}, "body_too_large"),
    ],
)
def test_one_fault_is_told_under_its_own_code(service, sent, code):
    answer = service.http.post("/v1/jobs", **sent)
    assert answer.json["error"]["code"] == code
    assert answer.status_code == {"unsupported_media_type": 415, "body_too_large": 413}.get(code, 400)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\n",
        "ada@exam\x00ple.org",
        "Ada <ada@example.org>",
        "ada@example.org, eve@example.org",
        "ada@example..org",
        "ada b@example.org",
        f"{'a' * 64}@{'.'.join(['b' * 60] * 4)}.org",
        "äda@example.org",
        "ada@[127.0.0.1]",
        "=?utf-8?q?x?=@example.org",
        "=?UTF-8?B?eA==?=@example.org",
        7,
        None,
        ["ada@example.org"],
        "\ud800@example.org",
    ],
)
def test_addresses_that_no_report_can_reach_are_refused(service, email):
    answer = service.http.post("/v1/jobs", json={"email": email})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] in ("invalid_email", "email_missing")


@pytest.mark.parametrize("size", [1, MAX_BYTES, str(MAX_BYTES)])
def test_a_size_told_beforehand_changes_nothing_where_an_upload_is_one_request(service, size):
    assert service.submit(size_bytes=size)["upload"]["method"] == "PUT"
    assert service.http.post(f"/v1/jobs?email=ada@example.org&size_bytes={size}").status_code == 201


def test_an_archive_of_no_bytes_is_called_an_empty_one(service):
    answer = service.http.post("/v1/jobs", json={"email": "ada@example.org", "size_bytes": 0})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "archive_empty"


@pytest.mark.parametrize("size", [-1, 1.5, True, "many", "1e9", "٣", [1], "9" * 19])
def test_a_size_that_is_none_is_refused(service, size):
    answer = service.http.post("/v1/jobs", json={"email": "ada@example.org", "size_bytes": size})
    assert answer.status_code == 400
    error = answer.json["error"]
    assert (error["code"], error["details"]["field"]) == ("invalid_option", "size_bytes")


def test_a_size_told_beforehand_is_remembered_so_that_a_slow_upload_is_waited_for(service):
    made = service.submit(size_bytes=1000)
    assert service.store.get(made["job_id"]).job.upload.size_bytes == 1000
    made = service.submit()
    assert service.store.get(made["job_id"]).job.upload.size_bytes is None


def test_an_archive_known_to_be_too_large_makes_no_job(service):
    answer = service.http.post("/v1/jobs", json={"email": "ada@example.org", "size_bytes": MAX_BYTES + 1})
    assert answer.status_code == 413
    assert answer.json["error"]["code"] == "upload_too_large"
    assert answer.json["error"]["details"] == {"max_bytes": MAX_BYTES}
    assert service.store.find(frozenset(JobState), updated_before=service.clock.now + timedelta(days=1)).jobs == ()


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "Ada.Lovelace+photos@sub-domain.example.co.uk",
        "a_b-c.9@x9.example.museum",
        "1@1.example.de",
        "ada@" + "example." * 7 + "org",
        "ada@localhost",
        "ada@printer.local",
        "ada@example.test",
        "ada@example.onion",
        "ada@x.invalid",
        "ada@4.3.2.1.in-addr.arpa",
        ".ada@example.org",
        "ada.@example.org",
        "a..b@example.org",
        "ada@-example.org",
        "ada@example-.org",
        "ada@xn--bcher-kva.example.org",
        "ada@ab--cd.example.org",
        "ada@example.o",
        "ada@example.1a",
        "ada@Example.org",
        "ada@example.org.",
        "ada@exämple.org",
        "ada@example.org\n",
        f"{'a' * 65}@example.org",
        f"ada@{'b' * 64}.org",
    ],
)
def test_an_address_that_is_taken_at_first_sight_is_one_that_the_validator_leaves_as_it_is(address):
    try:
        expected = validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        expected = None
    assert not is_plain(address) or expected == address


def test_the_addresses_that_most_people_have_are_taken_at_first_sight():
    assert all(map(is_plain, ("ada@example.org", "Ada.Lovelace+photos@sub-domain.example.co.uk")))


def test_foreign_domain_travels_as_punycode(service):
    made = service.http.post("/v1/jobs", json={"email": "ada@bücher.example.org"}).json
    assert service.store.get(made["job_id"]).job.email == "ada@xn--bcher-kva.example.org"


def test_wrong_token_and_unknown_job_cannot_be_told_apart(service):
    made = service.submit()
    wrong = service.http.get(f"/v1/jobs/{made['job_id']}?token=wrong")
    unknown = service.http.get(f"/v1/jobs/{'0' * 32}?token={made['token']}")
    foreign = service.http.get(f"/v1/jobs/{made['job_id']}", headers=bearer(service.submit()))
    assert wrong.status_code == unknown.status_code == foreign.status_code == 404
    assert wrong.data == unknown.data == foreign.data
    assert wrong.json["error"]["code"] == "job_not_found"
    without = service.http.get(f"/v1/jobs/{made['job_id']}")
    assert without.status_code == 401
    assert without.headers["WWW-Authenticate"] == "Bearer"


def test_token_opens_the_job_from_header_or_query(service):
    made = service.submit()
    assert service.http.get(f"/v1/jobs/{made['job_id']}?token={made['token']}").json == service.status(made)


@pytest.mark.parametrize("header", ["{token}", "Bearer", "Bearer {token}=x, y=z", "Bearer={token}", "Basic {token}"])
def test_a_header_that_cannot_be_read_is_told_and_not_made_up_for_by_the_address(service, header):
    made = service.submit()
    headers = {"Authorization": header.format(token=made["token"])}
    answer = service.http.get(f"/v1/jobs/{made['job_id']}?token={made['token']}", headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "token_missing")
    answer = service.http.post("/v1/jobs?email=ada@example.org", headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "key_invalid")


def test_the_password_of_a_proxy_leaves_the_token_to_the_address(service):
    made = service.submit()
    answer = service.http.get(f"/v1/jobs/{made['job_id']}?token={made['token']}", auth=("lab", "password"))
    assert answer.status_code == 200


@pytest.mark.parametrize("told_by", ["its heartbeats", "the job itself, as earlier versions wrote it"])
def test_status_shows_how_far_a_training_is(service, told_by):
    made = service.submit()
    claim = Claim(owner="worker", fence=3, expires_at=service.clock())
    best = Best(candidate="tiny", val_accuracy=0.9)
    progress = Progress(
        phase="screen",
        done=3,
        total=9,
        unit="epochs",
        detail="vgg16: head",
        eta_s=4.5,
        best=best,
        estimate=Spending(seconds=90.0, cost=0.05),
        price_per_hour=2.0,
    )
    trial = Trial(name="screen/tiny", state=TrialState.DONE, val_accuracy=0.9, seconds=2.5)
    told = {"device": "CPU", "progress": progress, "trials": (trial,), "trained_s": 36.0}
    in_job = {} if told_by == "its heartbeats" else told
    service.move(made, JobState.QUEUED, JobState.TRAINING, archive=ARCHIVE, claim=claim, **in_job)
    if not in_job:
        service.heartbeats.put(make_heartbeat(3, job_id=made["job_id"], **told))
    status = service.status(made)
    assert status["device"] == "CPU"
    names = ("state", "phase", "done", "total", "unit", "detail", "eta_s", "best", "estimate")
    expected = {"state": "training", **to_json(progress)}
    assert {name: status[name] for name in names} == {name: expected[name] for name in names}
    assert status["spent"] == {"seconds": 36.0, "cost": 0.02}
    assert status["trials"] == [to_json(trial)]
    assert status["archive"] == {"size_bytes": 10, "num_images": 20, "num_classes": 2}


def test_status_of_a_rejected_job_says_what_to_mend(service):
    made = service.submit()
    fault = Fault(code="archive_encrypted", message="m", fix="f", details={"files": ["a.jpg"]})
    service.move(made, JobState.REJECTED, fault=fault)
    assert service.status(made)["error"] == to_json(fault)


@pytest.mark.parametrize("path", [[], [JobState.QUEUED]])
def test_cancel_before_training_ends_the_job_at_once_and_again_changes_nothing(service, path):
    made = service.submit()
    service.move(made, *path, archive=ARCHIVE if path else None)
    for _ in range(2):
        answer = service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=bearer(made))
        assert (answer.status_code, answer.json["state"]) == (200, "cancelled")
        assert answer.json["links"]["cancel"] is None
    # Whoever has uploaded gets a mail, whoever has not does not.
    assert service.events(Topic.RESULTS) == (["job_cancelled"] if path else [])


def test_cancel_while_training_is_a_request_to_the_worker(service):
    made = service.submit()
    service.move(made, JobState.QUEUED, JobState.TRAINING, archive=ARCHIVE)
    first = service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=bearer(made)).json
    service.clock.now += timedelta(minutes=1)
    second = service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=bearer(made)).json
    assert first == second
    assert (first["state"], first["cancel_requested_at"]) == ("training", "2026-03-01T12:00:00.250000Z")
    assert service.events(Topic.RESULTS) == []


@pytest.mark.parametrize(
    "path",
    [
        [JobState.EXPIRED],
        [JobState.REJECTED],
        [JobState.QUEUED, JobState.TRAINING, JobState.REPORTING],
        [JobState.QUEUED, JobState.TRAINING, JobState.REPORTING, JobState.DONE],
        [JobState.QUEUED, JobState.FAILED],
    ],
)
def test_cancel_after_the_end_says_so(service, path):
    made = service.submit()
    before = service.move(made, *path)
    answer = service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=bearer(made))
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "job_already_ended")
    assert service.store.get(made["job_id"]).job == before


def test_links_lead_to_what_the_job_left(service):
    made = service.submit()
    kept = {each.name: service.keep(f"jobs/{each.name}", each.name.encode()) for each in dataclasses.fields(ARTEFACTS)}
    service.move(made, JobState.QUEUED, JobState.TRAINING, JobState.REPORTING, artefacts=Artefacts(**kept))
    links = {name: link for name, link in service.status(made)["links"].items() if link and name != "status"}
    names = {"model": "model.h5", "model_keras": "model.keras", "labels": "labels.txt", "predict": "predict.py"}
    names |= {"strangers": "strangers.json"}
    names |= {"report": "report.html", "result": "result.json", "model_zip": "model.zip", "model_onnx": "model.onnx"}
    names |= {"model_tflite": "model.tflite", "model_tflite_float16": "model_float16.tflite"}
    names |= {"model_coreml": "model.mlpackage.zip"}
    assert links.keys() == names.keys()
    for name, link in links.items():
        redirect = service.http.get(link.removeprefix(PUBLIC_URL), headers=bearer(made))
        assert redirect.status_code == 302
        assert redirect.json["url"] == PUBLIC_URL + redirect.headers["Location"]
        found = service.http.get(redirect.headers["Location"].removeprefix(PUBLIC_URL))
        assert found.data.decode() == {"model": "model_h5"}.get(name, name)
        assert names[name] in found.headers["Content-Disposition"]


def test_status_and_links_tell_how_long_what_a_job_left_is_kept(service):
    made = service.submit()
    assert service.status(made)["files_kept_until"] is None
    key = service.keep(f"jobs/{made['job_id']}/1/model.h5", b"network")
    path = (JobState.QUEUED, JobState.TRAINING, JobState.REPORTING, JobState.DONE)
    service.move(made, *path, artefacts=Artefacts(model_h5=key), mailed_at=service.clock())
    status = service.status(made)
    ended_at = datetime.fromisoformat(status["updated_at"])
    assert datetime.fromisoformat(status["files_kept_until"]) == ended_at + timedelta(days=30)
    assert datetime.fromisoformat(status["archive_kept_until"]) == ended_at
    assert status["files_deleted_at"] is None
    url = f"/v1/jobs/{made['job_id']}/model"
    service.clock.advance(30 * 86400 - 60)
    last = service.http.get(url, headers=bearer(made)).json
    assert datetime.fromisoformat(last["expires_at"]) == ended_at + timedelta(days=30), "no link outlives its file"
    service.clock.advance(60)
    assert gone(service, url, made) == (410, "artefact_expired"), "even before it is deleted"
    service.move(made, **forgetting(service, made))
    assert gone(service, url, made) == (410, "artefact_expired")
    status = service.status(made)
    assert (status["state"], status["links"]["model"]) == ("done", None)
    assert status["files_deleted_at"] is not None


def gone(service, url, made):
    answer = service.http.get(url, headers=bearer(made))
    return answer.status_code, answer.json["error"]["code"]


def forgetting(service, made):
    job = forgotten(service.store.get(made["job_id"]).job, service.clock())
    return {each.name: getattr(job, each.name) for each in dataclasses.fields(job)}


def test_links_to_nothing_say_whether_to_wait(service):
    made = service.submit()
    url = f"/v1/jobs/{made['job_id']}/model"
    early = service.http.get(url, headers=bearer(made))
    assert (early.status_code, early.json["error"]["code"]) == (409, "artefact_not_ready")
    service.move(made, JobState.REJECTED)
    never = service.http.get(url, headers=bearer(made))
    assert (never.status_code, never.json["error"]["code"]) == (404, "artefact_absent")
    wrong = service.http.get(f"{url}?format=pickle", headers=bearer(made))
    assert (wrong.status_code, wrong.json["error"]["code"]) == (400, "invalid_format")


def test_front_door_says_what_this_is(service):
    assert "photographs" in service.http.get("/").json["what"]
    assert service.http.get("/healthz").json == {"status": "ok"}


def test_an_event_that_cannot_be_read_does_not_make_the_service_unwell(service):
    event = job_queued("job-1", service.clock.now)
    service.store.create(make_job(), [event])
    service.store.spoil_event(event.event_id, b"?")
    service.store.spoil_job("job-1")
    assert service.http.get("/healthz").status_code == 200
