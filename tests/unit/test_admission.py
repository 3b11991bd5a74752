"""Who may submit, and what happens before a person has said that the address is theirs."""

from datetime import timedelta

import pytest

from services.intake.admission import AdmissionRules, caller_of
from shared.access.api_key import drawn_key, revoked
from shared.access.signed_link import LinkGrant, LinkKind
from shared.job.events import Topic
from shared.job.job import JobState
from shared.messaging.sweeper import sweep
from tests.intake_fixture import PUBLIC_URL, IntakeFixture, small_archive

DAY = timedelta(days=1)
CONFIRMING = AdmissionRules(confirm_within=DAY, trusted_domains=frozenset({"lab.example.org"}))


def ask(service: IntakeFixture, key: str | None = None, email: str = "ada@example.org", peer: str = "203.0.113.7"):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return service.http.post("/v1/jobs", json={"email": email}, headers=headers, environ_base={"REMOTE_ADDR": peer})


def click(service: IntakeFixture, made: dict, method: str = "POST"):
    expires_at = service.store.get(made["job_id"]).job.confirm_by
    grant = LinkGrant(kind=LinkKind.CONFIRM, job_id=made["job_id"], expires_at=expires_at)
    return service.http.open(service.links.url(grant).removeprefix(PUBLIC_URL), method=method)


def swept(service: IntakeFixture) -> None:
    sweep(service.store, service.objects, service.bus, heartbeats=service.heartbeats, now=service.clock())


def test_thousands_of_jobs_in_a_moment_become_a_handful_and_the_answer_says_when_to_come_again():
    service = IntakeFixture(rules=AdmissionRules(jobs_per_network_hour=3))
    answers = [ask(service, email=f"{number}@example.org", peer=f"203.0.113.{number}") for number in range(20)]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 17
    assert answers[-1].json["error"]["code"] == "limit_reached"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert ask(service, peer="198.51.100.1").status_code == 201, "another network is another caller"
    service.clock.advance(3600)
    assert ask(service).status_code == 201


def test_a_stranger_gets_no_more_mails_than_the_limit_of_an_address_wherever_they_are_asked_for():
    service = IntakeFixture(rules=AdmissionRules(jobs_per_address_day=2, confirm_within=DAY))
    answers = [ask(service, email="Eve@example.org", peer=f"10.{number}.0.1") for number in range(10)]
    assert [answer.status_code for answer in answers].count(201) == 2
    assert service.events(Topic.RESULTS) == ["confirmation_awaited"] * 2


def test_a_key_is_counted_by_itself_and_neither_clicks_nor_limits_of_others_apply_to_it():
    service = IntakeFixture(rules=AdmissionRules(jobs_per_network_hour=1, confirm_within=DAY, require_key=True))
    text, key = drawn_key("ada", service.clock(), jobs_per_day=2)
    service.access.put_key(key)
    answers = [ask(service, text) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[0].json["confirm_by"] is None
    assert service.store.get(answers[0].json["job_id"]).job.key_id == key.key_id
    assert ask(service).json["error"]["code"] == "key_required"
    assert ask(service).headers["WWW-Authenticate"] == "Bearer"
    service.access.put_key(revoked(key, service.clock()))
    for wrong in (text, "ctk_0_unknown"):
        assert ask(service, wrong).json["error"]["code"] == "key_invalid"


def test_before_the_click_nothing_is_queued_rejected_or_mailed_and_the_click_has_the_archive_looked_at():
    service = IntakeFixture(rules=CONFIRMING)
    made = service.submit()
    assert service.events(Topic.RESULTS) == ["confirmation_awaited"]
    service.upload(made, b"no zip at all, with a word for a stranger")
    service.handle_uploads()
    for _ in range(5):
        service.clock.advance(3600)
        swept(service)
        service.handle_uploads()
    status = service.status(made)
    assert (status["state"], status["confirmed_at"]) == ("awaiting_upload", None)
    assert "click" in status["detail"]
    assert set(service.events(Topic.RESULTS)) <= {"confirmation_awaited"}
    assert click(service, made).status_code == 200
    service.handle_uploads()
    assert service.status(made)["state"] == "rejected"
    assert service.events(Topic.RESULTS) == ["job_rejected"]


def test_a_program_that_looks_through_mails_opens_the_link_and_confirms_nothing():
    service = IntakeFixture(rules=CONFIRMING)
    made = service.submit()
    page = click(service, made, "GET")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert b'method="post"' in page.data
    assert service.status(made)["confirmed_at"] is None
    for _ in range(2):  # a person clicks twice
        assert b"confirmed" in click(service, made).data
    assert b"confirmed" in click(service, made, "GET").data
    assert service.status(made)["confirmed_at"]


def test_the_click_may_come_before_the_archive():
    service = IntakeFixture(rules=CONFIRMING)
    made = service.submit()
    click(service, made)
    service.upload(made, small_archive())
    service.handle_uploads()
    assert service.status(made)["state"] == "queued"


def test_without_a_click_the_job_expires_and_says_nothing_to_anybody():
    service = IntakeFixture(rules=CONFIRMING)
    made = service.submit()
    service.upload(made, small_archive())
    service.events(Topic.RESULTS)
    service.clock.advance(DAY.total_seconds() + 1)
    swept(service)
    assert service.status(made)["state"] == "expired"
    assert service.events(Topic.RESULTS) == []
    assert click(service, made).json["error"]["code"] == "url_expired"


def test_a_request_for_a_click_that_was_lost_is_made_again_until_it_was_mailed():
    service = IntakeFixture(rules=CONFIRMING)
    made = service.submit()
    service.events(Topic.RESULTS)
    service.clock.advance(600)
    swept(service)
    assert service.events(Topic.RESULTS) == ["confirmation_awaited"]
    service.move(made, confirmation_mailed_at=service.clock())
    service.clock.advance(3600)
    swept(service)
    assert service.events(Topic.RESULTS) == []


def test_trusted_domains_need_no_click_and_their_subdomains_are_others():
    service = IntakeFixture(rules=CONFIRMING)
    waits = {
        email: service.http.post("/v1/jobs", json={"email": email}).json["confirm_by"] is not None
        for email in ("ada@Lab.Example.org", "ada@example.org", "ada@evil.lab.example.org", "ada@notlab.example.org")
    }
    assert [*waits.values()] == [False, True, True, True]


def test_bytes_are_counted_as_they_come_and_what_is_too_much_is_deleted_at_once():
    service = IntakeFixture(rules=AdmissionRules(bytes_per_network_day=len(small_archive()) + 10))
    first, second = ask(service).json, ask(service).json
    for made in (first, second):
        service.upload(made, small_archive())
        service.handle_uploads()
    assert service.status(first)["state"] == "queued"
    assert service.status(second)["error"]["code"] == "limit_reached"
    assert [*service.objects.list(f"uploads/{second['job_id']}/")] == []
    service.move(first, forgotten_at=service.clock())


def test_a_rejected_archive_is_deleted_before_its_mail_is_written():
    service = IntakeFixture()
    made = service.submit()
    service.upload(made, b"no zip at all")
    service.handle_uploads()
    assert service.status(made)["state"] == "rejected"
    assert [*service.objects.list("uploads/")] == []


@pytest.mark.parametrize(
    ("forwarded", "hops", "caller"),
    [
        ("198.51.100.1", 0, "10.0.0.1"),
        ("198.51.100.1", 1, "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", 1, "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1, 10.0.0.9", 2, "198.51.100.1"),
        ("", 1, "10.0.0.1"),
        (None, 1, "10.0.0.1"),
        ("198.51.100.1", 2, "10.0.0.1"),
    ],
)
def test_a_caller_cannot_choose_an_address_by_a_header(forwarded, hops, caller):
    assert caller_of("10.0.0.1", forwarded, hops) == caller


def test_a_job_that_is_forgotten_says_no_more_from_which_network_it_came():
    from shared.job.retention import forgotten  # noqa: PLC0415 - beside its only use

    service = IntakeFixture(rules=AdmissionRules(bytes_per_network_day=10**9))
    job = service.store.get(ask(service).json["job_id"]).job
    assert job.charged_to == "network 203.0.113.0/24"
    assert forgotten(job, service.clock()).charged_to is None
    assert job.state is JobState.AWAITING_UPLOAD
