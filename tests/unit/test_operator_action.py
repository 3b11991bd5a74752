"""What an operator does to anybody's job: retries keep fencing and send one mail, and every action leaves its line."""

import io
import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.operation.action import Action
from services.intake.operation.retry import RetryKind, not_retried, retried, retry_kind
from services.reporter.mailers.message import end_of
from services.trainer.worker.job_lease import claim_job
from shared.access.api_key import drawn_key
from shared.errors import Conflict, Fault
from shared.job.claim import Claim, held
from shared.job.events import Topic, job_queued
from shared.job.job import Artefacts, Job, JobState
from shared.job.retention import Retention
from shared.json_codec import from_json, to_json
from tests.intake_fixture import IntakeFixture, bearer, small_archive
from tests.job_fixture import NOW, full_job, make_job

CRASHED = Fault(code="training_crashed", message="The process crashed.", fix="f")
REFUSED = Fault(code="mail_refused", message="No such mailbox.", fix="f")
KEEPS = Retention(archives=timedelta(days=3))


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture(retention=KEEPS)


@pytest.fixture
def operator(service) -> dict[str, str]:
    text, key = drawn_key("lab", service.clock(), is_operator=True)
    service.access.put_key(key)
    return {"Authorization": f"Bearer {text}"}


def failed(service: IntakeFixture, **changes: object) -> dict:
    """Return a job whose training failed after three attempts, told to its person."""
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    service.events(Topic.JOBS)
    told = {"fault": CRASHED, "mailed_at": service.clock(), "attempts": 3, "trained_s": 900.0} | changes
    claim = Claim(owner="w", fence=3, expires_at=service.clock() + timedelta(minutes=1))
    service.move(made, JobState.TRAINING, JobState.FAILED, claim=claim, **told)
    return made


def acted(service: IntakeFixture, made: dict, action: str, headers: dict[str, str]):
    path = f"/v1/jobs/{made['job_id']}"
    if action == Action.FORGET:
        return service.http.delete(path, headers=headers)
    return service.http.post(f"{path}/{action}", headers=headers)


def test_a_failed_job_is_trained_again_with_all_its_attempts_and_its_budget(service, operator):
    made = failed(service, num_ran_full=20)
    answer = acted(service, made, "retry", operator)
    assert (answer.status_code, answer.json["state"], answer.json["attempts"]) == (200, "queued", 0)
    assert service.store.get(made["job_id"]).job.num_ran_full == 0
    assert answer.json["error"] is None
    assert answer.json["spent"]["seconds"] == 0
    assert service.events(Topic.JOBS) == ["job_queued"]


def test_whoever_held_the_job_before_can_write_nothing_any_more_and_the_next_gets_a_higher_fence(service, operator):
    made = failed(service)
    acted(service, made, "retry", operator)
    job = service.store.get(made["job_id"]).job
    with pytest.raises(Conflict):
        held(job.claim, owner="w", fence=3)
    event = job_queued(job.job_id, service.clock())
    lease = timedelta(seconds=30)
    taken = claim_job(service.store, service.heartbeats, event, owner="v", lease=lease, clock=service.clock)
    assert (taken.claim.fence, taken.job.attempts) == (5, 1)


def test_the_mail_of_a_retry_is_one_of_its_own_and_owed_once(service, operator):
    made = failed(service)
    before = end_of(service.store.get(made["job_id"]).job)
    acted(service, made, "retry", operator)
    again = service.move(made, JobState.TRAINING, JobState.FAILED, fault=CRASHED)
    assert again.owes_mail
    assert end_of(again) not in ("failed", before)
    refused = acted(service, made, "retry", operator)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "job_not_ended"), "its mail comes first"


def test_a_second_retry_in_the_same_moment_finds_a_job_that_goes_on(service, operator):
    made = failed(service)
    acted(service, made, "retry", operator)
    assert acted(service, made, "retry", operator).json["error"]["code"] == "job_not_ended"
    assert service.events(Topic.JOBS) == ["job_queued"]


@pytest.mark.parametrize("loss", ["deleted", "kept no more", "another"])
def test_a_job_without_its_photographs_is_not_queued_to_fail_again(service, operator, loss):
    made = failed(service)
    key = made["upload"]["url"] and service.store.get(made["job_id"]).job.upload.object_key
    if loss == "deleted":
        service.objects.delete(key)
    elif loss == "another":
        service.objects.put(key, io.BytesIO(b"other"), content_type="application/zip")
    else:
        service.clock.advance(3 * 86400)
    answer = acted(service, made, "retry", operator)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "nothing_to_retry")
    assert "CONVTAILOR_ARCHIVE_DAYS" in answer.json["error"]["fix"]


def test_a_report_that_could_not_be_written_is_written_again_without_photographs(service, operator):
    made = failed(service, artefacts=Artefacts(result="jobs/x/3/result.json"))
    service.clock.advance(5 * 86400)
    answer = acted(service, made, "retry", operator)
    assert (answer.json["state"], service.events(Topic.RESULTS)) == ("reporting", ["training_finished"])
    assert service.store.get(made["job_id"]).job.artefacts.result == "jobs/x/3/result.json"


def test_a_mail_that_was_refused_is_sent_again(service, operator):
    made = failed(service)
    service.move(made, mail_fault=REFUSED, mailed_at=None)
    service.clock.advance(5 * 86400)
    answer = acted(service, made, "retry", operator)
    assert (answer.json["state"], service.events(Topic.RESULTS)) == ("failed", ["job_failed"])
    job = service.store.get(made["job_id"]).job
    assert (job.owes_mail, job.fault) == (True, CRASHED)


def test_what_is_done_or_forgotten_is_not_retried(service, operator):
    done = make_job("done", JobState.DONE, updated_at=service.clock(), mailed_at=service.clock())
    assert retry_kind(done, KEEPS, service.clock()) is None
    service.store.create(done)
    answer = service.http.post("/v1/jobs/done/retry", headers=operator)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "nothing_to_retry")
    gone = replace(done, state=JobState.FAILED, forgotten_at=service.clock(), mail_fault=REFUSED)
    assert retry_kind(gone, KEEPS, service.clock()) is None
    assert service.http.post("/v1/jobs/nobody/retry", headers=operator).status_code == 404


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (JobState.QUEUED, "job_not_ended"),
        (JobState.FAILED, "nothing_to_retry"),
        (JobState.DONE, "nothing_to_retry"),
    ],
)
def test_a_program_that_is_refused_a_retry_is_told_the_state_of_the_job(state, code):
    fault = not_retried(make_job(state=state, mailed_at=NOW)).fault
    assert (fault.code, fault.details) == (code, {"state": state})
    assert fault.fix


def test_what_a_retry_does_anew_begins_from_nothing_and_all_else_stays():
    now = NOW + timedelta(days=2)
    ended = replace(full_job(), retries=1, num_ran_full=4)
    mail = {
        "updated_at": now,
        "retries": 2,
        "report_claim": Claim(owner="operator", fence=2, expires_at=now),
        "report_tries": 0,
        "mailed_at": None,
        "mail_fault": None,
        "reminded_at": None,
    }
    report = mail | {"state": JobState.REPORTING, "fault": None}
    train = report | {
        "state": JobState.QUEUED,
        "claim": Claim(owner="operator", fence=3, expires_at=now),
        "attempts": 0,
        "num_ran_full": 0,
        "trained_s": 0.0,
        "progress": None,
        "artefacts": Artefacts(),
        "cancel_requested_at": None,
    }
    assert retried(ended, RetryKind.MAIL, now) == replace(ended, **mail)
    assert retried(ended, RetryKind.REPORT, now) == replace(ended, **report)
    assert retried(ended, RetryKind.TRAIN, now) == replace(ended, **train)
    unclaimed = retried(replace(ended, claim=None, report_claim=None), RetryKind.TRAIN, now)
    assert (unclaimed.claim, unclaimed.report_claim) == (None, None)


def test_jobs_of_a_release_that_knew_no_retry_are_read(service):
    document = to_json(make_job())
    for name in ("retries", "num_ran_full"):
        del document[name]
    assert from_json(Job, document) == make_job()


def test_nobody_but_an_operator_retries_or_forgets_anybodys_job(service):
    made = failed(service)
    text, key = drawn_key("a person", service.clock())
    service.access.put_key(key)
    person = {"Authorization": f"Bearer {text}"}
    for action in Action:
        assert acted(service, made, action, person).json["error"]["code"] == "operator_only"
    assert acted(service, made, "retry", bearer(made)).status_code == 401
    assert acted(service, made, "retry", {}).json["error"]["code"] == "key_required"
    assert service.status(made)["state"] == "failed"


def test_an_operator_forgets_a_job_that_has_ended(service, operator):
    made = failed(service)
    answer = acted(service, made, "forget", operator)
    assert answer.json["files_deleted_at"] is not None
    assert service.store.get(made["job_id"]).job.email == ""


def test_every_action_leaves_who_did_what_in_the_log_and_refusals_too(service, operator, caplog):
    caplog.set_level(logging.INFO, "services.intake.operation.action")
    made = failed(service)
    for action in (Action.CANCEL, Action.RETRY, Action.FORGET):
        acted(service, made, action, operator)
    told = [(each.action, each.outcome) for each in caplog.records if hasattr(each, "action")]
    assert told == [
        ("cancel", "refused: job_already_ended"),
        ("retry", "train"),
        ("forget", "refused: job_not_ended"),
    ]
    line = next(each for each in caplog.records if hasattr(each, "action"))
    assert (line.job_id, line.key_id) == (made["job_id"], service.access.all_keys()[0].key_id)
    assert operator["Authorization"].split()[1] not in json.dumps([each.getMessage() for each in caplog.records])


def test_an_operator_sees_what_failed_why_and_what_a_retry_would_do(service, operator):
    lost, made = failed(service), failed(service)
    service.clock.advance(2 * 86400)
    for each in (lost, made):
        service.move(each, updated_at=service.clock())
    service.move(lost, archive=None, mail_fault=REFUSED)
    service.submit()
    jobs = service.http.get("/v1/jobs?state=failed", headers=operator).json["jobs"]
    told = {each["job_id"]: (each["error"]["code"], each["mail_error"], each["retry"]) for each in jobs}
    assert told[made["job_id"]] == ("training_crashed", None, "train")
    assert told[lost["job_id"]][2] == "mail"
    assert len(told) == 2, "only the states that were asked for"
    assert service.http.get("/v1/jobs?state=broken", headers=operator).json["error"]["code"] == "invalid_option"
    assert service.http.get("/v1/jobs?sort=name", headers=operator).json["error"]["code"] == "invalid_option"


def test_the_largest_archives_come_first_where_that_is_asked_for(service, operator):
    sizes = []
    for num_images in (5, 9, 7):
        made = service.submit()
        service.upload(made, small_archive(num_images=num_images))
    service.handle_uploads()
    listed = service.http.get("/v1/jobs?sort=size", headers=operator).json["jobs"]
    sizes = [each["archive"]["num_images"] for each in listed]
    assert sizes == [18, 14, 10]


def test_an_operator_sees_who_takes_the_room(service, operator, tmp_path):
    made = service.submit()
    body = small_archive()
    service.upload(made, body)
    service.keep(f"jobs/{made['job_id']}/1/model.h5", b"m" * 1000)
    service.keep("jobs/other/1/model.h5", b"m" * 10)
    told = service.http.get("/v1/disk", headers=operator).json
    assert (told["archive_bytes"], told["files_bytes"], told["num_jobs"]) == (len(body), 1010, 2)
    assert told["largest"][0] == {"job_id": made["job_id"], "archive_bytes": len(body), "files_bytes": 1000}
    assert told["free_bytes"] is None, "there is no disk of ours behind a bucket"
    assert service.http.get("/v1/disk").status_code == 401
