"""An operator at a terminal: what goes on, what failed and why, and what is done about it, in text and as JSON."""

import json
import threading
from datetime import timedelta

import click
import pytest
from werkzeug.serving import make_server

from services.client.commands.admin import is_wanted, told_failure
from services.client.fault import ExitCode
from services.client.terminal.outcome import run_command
from services.onebox.cli import convtailor
from shared.access.api_key import drawn_key
from shared.errors import Fault
from shared.job.job import JobState
from shared.job.retention import Retention
from tests.intake_fixture import IntakeFixture, small_archive

CRASHED = Fault(code="training_crashed", message="The process crashed 3 times.", fix="f")


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture(retention=Retention(archives=timedelta(days=3)))


@pytest.fixture
def call(service, capsys):
    """Run ``convtailor admin`` against the service; returns exit code, output and errors."""
    text, key = drawn_key("lab", service.clock(), is_operator=True)
    service.access.put_key(key)
    server = make_server("127.0.0.1", 0, service.app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def run(*arguments: str) -> tuple[int, str, str]:
        url = f"http://127.0.0.1:{server.server_port}"
        code = run_command(convtailor, ["admin", *arguments, "--server", url, "--key", text])
        told = capsys.readouterr()
        return code, told.out, told.err

    yield run
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def failed(service) -> str:
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    service.move(made, JobState.TRAINING, JobState.FAILED, fault=CRASHED, mailed_at=service.clock())
    return made["job_id"]


def test_an_operator_finds_a_failure_with_its_reason_and_has_it_tried_again(service, call, failed):
    code, out, _ = call("failures")
    assert code == ExitCode.DONE
    assert f"{failed} · " in out
    assert "  failed: training_crashed: The process crashed 3 times.\n  a retry would train again" in out
    assert call("retry", failed)[1] == f"Job {failed} waits for a trainer again.\n"
    assert call("failures")[1] == "Nothing failed.\n"
    code, out, err = call("retry", failed)
    assert (code, out) == (ExitCode.USAGE, "")
    assert "job_not_ended" in err
    assert call("cancel", failed)[1] == f"Job {failed} is cancelled.\n"


def test_a_script_reads_one_document(call, failed):
    for arguments, field in ((("jobs",), "jobs"), (("failures",), "jobs"), (("disk",), "largest")):
        assert json.loads(call(*arguments, "--json")[1])[field]
    assert json.loads(call("forget", failed, "--yes", "--json")[1])["files_deleted_at"]


def test_an_operator_sees_what_takes_the_room(service, call, failed):
    service.keep(f"jobs/{failed}/1/model.h5", b"m" * 2_000_000)
    out = call("disk")[1]
    assert "Taken by 1 job: photographs 0.0 MB, networks and reports 2.0 MB" in out
    assert f"{failed} · photographs 0.0 MB · networks and reports 2.0 MB" in out


def test_jobs_are_listed_by_state_age_and_size(service, call, failed):
    service.submit()
    assert call("jobs")[1].count("\n") == 2
    assert call("jobs", "--state", "failed")[1].count("\n") == 1
    assert call("jobs", "--larger-than", "1")[1] == "There are no such jobs.\n"
    document = {"archive": {"size_bytes": 5_000_000}, "created_at": service.clock().isoformat()}
    now = service.clock() + timedelta(hours=2)
    assert is_wanted(document, 2.0, 4.9, now)
    assert not is_wanted(document, 2.1, None, now)
    assert not is_wanted(document, None, 5.0, now)
    assert not is_wanted(document | {"archive": None}, None, 0.0, now)


def test_nothing_is_forgotten_without_a_yes(call, failed, service):
    assert call("forget", failed)[0] != ExitCode.DONE
    assert service.store.get(failed).job.forgotten_at is None


def test_it_says_why_there_is_no_retry():
    document = {
        "job_id": "j",
        "state": "failed",
        "error": {"code": "c", "message": "m", "fix": "f"},
        "mail_error": None,
        "retry": None,
        "archive": None,
        "created_at": "2026-03-01T12:00:00Z",
    }
    common = {"phase": None, "done": 0, "total": 0, "unit": "", "eta_s": None, "email": ""}
    assert told_failure(document | common | {"mailed_at": "2026"}).endswith("no retry: its photographs are deleted")
    assert told_failure(document | common | {"mailed_at": None}).endswith("no retry yet: its mail is still to be sent")


def test_without_a_key_it_says_how_to_make_one(monkeypatch, capsys):
    monkeypatch.delenv("CONVTAILOR_API_KEY", raising=False)
    assert run_command(convtailor, ["admin", "jobs"]) == ExitCode.USAGE
    assert "convtailor keys --new NAME --operator" in capsys.readouterr().err


def test_every_command_of_it_teaches_by_examples():
    group = convtailor.get_command(click.Context(convtailor), "admin")
    for name in group.list_commands(click.Context(group)):
        examples = group.commands[name].examples
        assert examples
        assert all(f"convtailor admin {name}" in each for each in examples)
