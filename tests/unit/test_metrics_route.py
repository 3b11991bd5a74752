"""What a monitor is told: the numbers an operator would be woken for, and to nobody without a key."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from services.intake.app import create_app
from shared.access.api_key import drawn_key
from shared.errors import Fault
from shared.job.claim import Claim
from shared.job.job import JobState
from shared.job.progress import Progress
from tests.intake_fixture import IntakeFixture, small_archive
from tests.job_fixture import archive_of, make_heartbeat, make_job

REFUSED = Fault(code="mail_refused", message="m", fix="f")
TOO_SHORT = Fault(code="budget_too_short", message="m", fix="f")


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture()


def asked(service: IntakeFixture, **headers: str):
    text, key = drawn_key("monitor", service.clock(), is_operator=True)
    service.access.put_key(key)
    return service.http.get("/metrics", headers={"Authorization": f"Bearer {text}", **headers})


def told(service: IntakeFixture) -> dict[str, float]:
    answer = asked(service)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    return numbers_of(text_string_to_metric_families(answer.text))


def numbers_of(families) -> dict[str, float]:
    """Return each number by its name and labels, as the library of Prometheus reads them."""
    numbers: dict[str, float] = {}
    for family in families:
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in numbers, "told twice"
            numbers[name] = sample.value
    return numbers


def queued(service: IntakeFixture) -> dict:
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    return made


def test_a_monitor_sees_the_queue_grow_old_and_what_those_at_work_do(service: IntakeFixture) -> None:
    training, _ = queued(service), queued(service)
    expires_at = service.clock() + timedelta(hours=1)
    service.move(training, JobState.TRAINING, claim=Claim(owner="w", fence=1, expires_at=expires_at))
    beat = make_heartbeat(job_id=training["job_id"], expires_at=expires_at, progress=Progress(phase="tune"))
    service.heartbeats.put(beat)
    service.clock.advance(90)
    numbers = told(service)
    assert numbers['convtailor_jobs{state="queued"}'] == 1
    assert numbers['convtailor_jobs{state="training"}'] == 1
    assert numbers['convtailor_jobs{state="awaiting_upload"}'] == 0, "told of before the first of them"
    assert numbers['convtailor_jobs_training{phase="tune"}'] == 1
    assert numbers["convtailor_queue_wait_seconds"] == 90


def test_a_monitor_sees_what_failed_within_a_day_and_whose_mail_is_missing(service: IntakeFixture) -> None:
    now = service.clock()
    long_ago = now - timedelta(days=2)
    states = JobState.FAILED, JobState.DONE
    for number, state in enumerate(states * 2):
        fault = TOO_SHORT if state is JobState.FAILED else None
        job = make_job(f"job-{number}", state, updated_at=now if number < 2 else long_ago, fault=fault)
        service.store.create(replace(job, archive=archive_of(job.job_id), mailed_at=None if number == 0 else now))
    refused = make_job("job-refused", JobState.CANCELLED, updated_at=now, mail_fault=REFUSED)
    service.store.create(refused)
    numbers = told(service)
    ended = {name: count for name, count in numbers.items() if "ended" in name}
    assert ended == {
        'convtailor_jobs_ended_last_day{code="",state="cancelled"}': 1,
        'convtailor_jobs_ended_last_day{code="",state="done"}': 1,
        'convtailor_jobs_ended_last_day{code="budget_too_short",state="failed"}': 1,
    }
    assert numbers["convtailor_mails_owed"] == 1
    assert numbers["convtailor_mails_refused_last_day"] == 1


def test_on_one_machine_a_monitor_sees_the_disk_fill(service: IntakeFixture, tmp_path) -> None:
    assert "convtailor_disk_free_bytes" not in told(service)
    service.job_routes = replace(service.job_routes, data_dir=tmp_path)
    service.app = create_app(service.job_routes, service.page_routes, service.link_routes)
    service.http = service.app.test_client()
    numbers = told(service)
    assert 0 < numbers["convtailor_disk_free_bytes"] <= numbers["convtailor_disk_size_bytes"]


def test_nobody_without_an_operators_key_is_told_anything(service: IntakeFixture) -> None:
    text, key = drawn_key("a person", service.clock())
    service.access.put_key(key)
    assert service.http.get("/metrics").status_code == 401
    assert service.http.get("/metrics", headers={"Authorization": f"Bearer {text}"}).status_code == 403


def test_a_monitor_that_asks_for_openmetrics_is_told_the_same_in_it(service: IntakeFixture) -> None:
    queued(service)
    answer = asked(service, Accept="application/openmetrics-text; version=1.0.0")
    assert answer.mimetype == "application/openmetrics-text"
    assert numbers_of(open_metrics(answer.text)) == told(service)


def test_no_label_breaks_its_line(service: IntakeFixture) -> None:
    code = 'a"b\\c\nd'
    fault = Fault(code=code, message="m", fix="f")
    service.store.create(make_job("job-1", JobState.FAILED, updated_at=service.clock(), fault=fault))
    [family] = [
        each
        for each in text_string_to_metric_families(asked(service).text)
        if each.name == "convtailor_jobs_ended_last_day"
    ]
    assert [sample.labels["code"] for sample in family.samples] == [code]
