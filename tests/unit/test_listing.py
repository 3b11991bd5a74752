"""Who looks at many jobs at once sees all that matter and no one else's: operators by their key, people their own."""

import json
from datetime import timedelta

import httpx
import pytest

from services.client.api.client import Client
from services.client.api.token_store import KnownJob, TokenStore
from services.client.commands.jobs import all_jobs, line_of, own_jobs
from services.client.fault import ExitCode, Unreachable, UsageFault
from services.client.terminal.outcome import run_command
from services.intake.overview.listing import MOST_LISTED, Wanted, list_jobs
from services.onebox.cli import convtailor
from shared.access.api_key import drawn_key, revoked
from shared.errors import Fault
from shared.job.claim import Claim
from shared.job.job import JobState
from shared.job.progress import Progress
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.intake_fixture import PUBLIC_URL, IntakeFixture, small_archive
from tests.job_fixture import NOW, make_heartbeat, make_job

FAULT = Fault(code="budget_too_short", message="m", fix="f")


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture()


def key_of(service: IntakeFixture, *, is_operator: bool) -> str:
    text, key = drawn_key("lab", service.clock(), is_operator=is_operator)
    service.access.put_key(key)
    return text


def asked(service: IntakeFixture, key: str | None, query: str = "") -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return service.http.get(f"/v1/jobs{query}", headers=headers)


def filled(service: IntakeFixture) -> tuple[dict, dict, dict]:
    """Make a job at work, one in the queue and one that failed an hour ago."""
    failed, training, queued = (service.submit(email=f"{name}@example.org") for name in ("eve", "ada", "bob"))
    for made in (failed, training, queued):
        service.upload(made, small_archive())
    service.handle_uploads()
    service.move(failed, JobState.FAILED, fault=FAULT, mailed_at=service.clock())
    service.clock.advance(3600)
    expires_at = service.clock() + timedelta(seconds=30)
    service.move(training, JobState.TRAINING, claim=Claim(owner="w", fence=1, expires_at=expires_at))
    progress = Progress(phase="screen", done=3, total=10, unit="images", eta_s=60.0)
    service.heartbeats.put(make_heartbeat(job_id=training["job_id"], expires_at=expires_at, progress=progress))
    return failed, training, queued


def test_an_operator_sees_every_job_that_goes_on_and_those_that_ended_lately(service: IntakeFixture) -> None:
    failed, training, queued = filled(service)
    answer = asked(service, key_of(service, is_operator=True))
    told = {each["job_id"]: each for each in answer.json["jobs"]}
    assert list(told) == [queued["job_id"], training["job_id"], failed["job_id"]], "what ended comes last"
    assert told[training["job_id"]]["phase"] == "screen"
    assert told[training["job_id"]]["email"] == "ada@example.org"
    assert (told[queued["job_id"]]["queue_position"], told[queued["job_id"]]["starts_in_s"]) == (1, 60.0)
    assert told[failed["job_id"]]["error"]["code"] == "budget_too_short"
    assert answer.json["is_whole"] is True
    assert not any(made["token"] in answer.text for made in (failed, training, queued))


def test_what_ended_before_the_hours_that_are_asked_for_is_left_out(service: IntakeFixture) -> None:
    filled(service)
    service.clock.advance(60)
    key = key_of(service, is_operator=True)
    assert len(asked(service, key, "?hours=1").json["jobs"]) == 2
    assert len(asked(service, key, "?hours=2").json["jobs"]) == 3
    assert asked(service, key, "?hours=721").json["error"]["code"] == "invalid_option"


def test_nobody_else_sees_any_job(service: IntakeFixture) -> None:
    made, *_ = filled(service)
    text, key = drawn_key("gone", service.clock(), is_operator=True)
    service.access.put_key(revoked(key, service.clock()))
    shown = {None: 401, made["token"]: 401, text: 401, key_of(service, is_operator=False): 403}
    answers = {status: asked(service, each) for each, status in shown.items()}
    assert {status: answer.status_code for status, answer in answers.items()} == {401: 401, 403: 403}
    assert answers[403].json["error"]["code"] == "operator_only"
    assert asked(service, None).json["error"]["code"] == "key_required"


def test_an_operator_stops_anybodys_job_and_looks_at_it_and_fetches_nothing(service: IntakeFixture) -> None:
    _, training, queued = filled(service)
    headers = {"Authorization": f"Bearer {key_of(service, is_operator=True)}"}
    for made, state in ((training, "training"), (queued, "cancelled")):
        answer = service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=headers)
        assert (answer.status_code, answer.json["state"]) == (200, state)
        assert service.http.get(f"/v1/jobs/{made['job_id']}", headers=headers).json["cancel_requested_at"]
        for path in ("report", "model"):
            assert service.http.get(f"/v1/jobs/{made['job_id']}/{path}", headers=headers).status_code == 404
    in_address = f"/v1/jobs/{queued['job_id']}?token={headers['Authorization'].removeprefix('Bearer ')}"
    assert service.http.get(in_address).status_code == 404, "addresses lie in histories and logs"
    answer = service.http.post(f"/v1/jobs/{'0' * 32}/cancel", headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "job_not_found")


def test_the_key_of_a_person_opens_no_job_not_even_one_submitted_with_it(service: IntakeFixture) -> None:
    key = key_of(service, is_operator=False)
    headers = {"Authorization": f"Bearer {key}"}
    made = service.http.post("/v1/jobs", json={"email": "ada@example.org"}, headers=headers).json
    for method, path in (("GET", ""), ("POST", "/cancel")):
        answer = service.http.open(f"/v1/jobs/{made['job_id']}{path}", method=method, headers=headers)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "operator_only")
    forged = {"Authorization": f"Bearer {key[:-1]}x"}
    answer = service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=forged)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "key_invalid")
    assert service.status(made)["state"] == "awaiting_upload"


def test_a_list_is_bounded_and_says_so() -> None:
    store = MemoryJobStore()
    for number in range(MOST_LISTED + 1):
        store.create(make_job(f"job-{number}", JobState.QUEUED))
    listing = list_jobs(store, MemoryHeartbeatStore(), now=NOW, wanted=Wanted())
    assert (len(listing.jobs), listing.is_whole) == (MOST_LISTED, False)


@pytest.fixture
def reach(service):
    """Open clients of the app, and of a server that is down."""
    gone = httpx.MockTransport(lambda _: httpx.Response(502, json={"error": {"code": "x", "message": "down"}}))

    def client(server: str) -> Client:
        return Client(server, transport=httpx.WSGITransport(app=service.app) if server == PUBLIC_URL else gone)

    return client


def known(made: dict, server: str = PUBLIC_URL) -> KnownJob:
    return KnownJob(job_id=made["job_id"], server=server, token=made["token"])


def test_a_person_sees_the_own_jobs_and_how_each_fares(service, reach):
    told = "\n".join(map(line_of, own_jobs([known(made) for made in filled(service)], open_client=reach)))
    assert "failed · budget_too_short" in told
    assert "training · Compare networks · 3/10 images · about 1 min 00 s left" in told
    assert "queued · Wait for trainer · next · starts in about 1 min 00 s · 10 images" in told


def test_a_job_that_nobody_tells_of_hides_no_other(service, reach):
    made, *_ = filled(service)
    elsewhere = known({"job_id": "elsewhere", "token": "t"}, "http://gone.test")
    told = own_jobs([known(made), elsewhere, known({"job_id": "forgotten", "token": "t"})], open_client=reach)
    assert [each["state"] for each in told] == ["failed", None, None]
    assert line_of(told[1]) == "elsewhere · not known: http://gone.test cannot answer now: down"
    assert "forgotten · not known: There is no job of this id" in line_of(told[2])
    with pytest.raises(Unreachable):
        own_jobs([elsewhere, elsewhere], open_client=reach)


def test_an_operator_lists_all_jobs_from_a_terminal(service, reach):
    filled(service)
    document = all_jobs(PUBLIC_URL, key_of(service, is_operator=True), 24, open_client=reach)
    assert [line_of(each).rpartition(" · ")[2] for each in document["jobs"]] == [
        "bob@example.org",
        "ada@example.org",
        "eve@example.org",
    ]
    with pytest.raises(UsageFault, match="not an operator's"):
        all_jobs(PUBLIC_URL, key_of(service, is_operator=False), 24, open_client=reach)


def test_the_command_says_where_there_is_nothing_to_list_and_what_an_operator_needs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("CONVTAILOR_API_KEY", raising=False)
    assert run_command(convtailor, ["jobs"]) == ExitCode.DONE
    assert capsys.readouterr().out == "No job was submitted from this account.\n"
    assert run_command(convtailor, ["jobs", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"jobs": []}
    assert run_command(convtailor, ["jobs", "--all"]) == ExitCode.USAGE
    assert "convtailor keys --new NAME --operator" in capsys.readouterr().err


def test_the_jobs_submitted_last_come_first_and_a_damaged_file_is_named(tmp_path):
    store = TokenStore(tmp_path)
    for name, server in (("a", "x"), ("b", "y"), ("c", "x")):
        store.remember(KnownJob(job_id=name, server=server, token="t"))
    assert [job.job_id for job in store.recall_latest(2)] == ["c", "b"]
    assert [job.job_id for job in store.recall_latest(9, server="x")] == ["c", "a"]
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UsageFault, match=r"b\.json cannot be read"):
        store.recall_latest(9)
