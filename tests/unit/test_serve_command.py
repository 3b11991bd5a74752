"""What an operator chooses and is told when a server is started on a machine of the lab."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.client.fault import UsageFault
from services.intake.settings import IntakeSettings
from services.onebox.commands.serve import chosen, notes_on, serve
from services.onebox.stores import end_unfinished, opened, served_alone
from shared.backends import open_backends
from shared.job.job import JobState
from shared.settings import Settings, load
from tests.job_fixture import make_job

SENDS = {"CONVTAILOR_MAILER": "smtp", "CONVTAILOR_SMTP_HOST": "mail.example.org"}


def test_options_mean_what_the_variables_of_the_services_mean() -> None:
    settings = load(IntakeSettings, chosen(require_key=True, keep_days=7.0))
    assert (settings.require_key, settings.artefact_days) == (True, 7.0)


def test_what_was_not_chosen_is_left_to_the_environment() -> None:
    assert chosen(require_key=False, keep_days=None) == {}


def test_an_operator_is_told_that_mails_reach_nobody_and_how_they_would() -> None:
    assert "CONVTAILOR_MAILER=smtp" in notes_on({}, Path("data"))
    assert notes_on(SENDS, Path("data")) == ""


def test_an_operator_who_wants_keys_is_told_how_to_make_one() -> None:
    notes = notes_on({**SENDS, "CONVTAILOR_REQUIRE_KEY": "true"}, Path("/srv/convtailor"))
    assert "convtailor keys --new NAME --data /srv/convtailor" in notes


def test_a_variable_that_cannot_be_read_is_told_before_anything_starts() -> None:
    with pytest.raises(UsageFault, match="CONVTAILOR_MAILER"):
        notes_on({"CONVTAILOR_MAILER": "pigeon"}, Path("data"))


def test_a_second_server_of_the_same_folder_is_told_of_the_first_and_may_follow_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with served_alone(folder), pytest.raises(UsageFault) as refused, served_alone(folder):
        pytest.fail("two servers of one folder")
    assert refused.value.fault.code == "data_in_use"
    assert str(folder) in refused.value.fault.message
    with served_alone(folder):
        pass


def test_what_an_earlier_server_left_is_taken_over(tmp_path: Path) -> None:
    store = open_backends(Settings(data_dir=tmp_path)).job_store
    store.create(make_job())
    with served_alone(tmp_path):
        assert store.get("job-1").job == make_job()


@pytest.mark.parametrize("state", [JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.TRAINING])
def test_a_run_does_not_train_first_what_an_interrupted_one_left_in_the_same_folder(
    tmp_path: Path, state: JobState
) -> None:
    end_unfinished(tmp_path)
    assert not any(tmp_path.iterdir())
    store = open_backends(Settings(data_dir=tmp_path)).job_store
    store.create(replace(make_job(), state=state))
    end_unfinished(tmp_path)
    assert store.get("job-1").job.state is JobState.CANCELLED


def test_a_damaged_file_is_named_before_any_service_dies_of_it(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"photographs" * 1000)
    with pytest.raises(UsageFault) as refused, served_alone(tmp_path):
        pytest.fail("a server over a damaged file")
    assert refused.value.fault.code == "data_unusable"
    assert "jobs.sqlite3" in refused.value.fault.message
    assert "backup" in refused.value.fault.fix


def test_an_operator_in_the_wrong_folder_is_told_to_name_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="There is no folder") as refused:
        opened(Settings(data_dir=tmp_path / "nowhere"))
    assert refused.value.fault.code == "data_missing"


def test_a_file_of_a_newer_release_is_left_to_that_release_by_every_command(tmp_path: Path) -> None:
    open_backends(Settings(data_dir=tmp_path))
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 9")
    for use in (lambda: served_alone(tmp_path).__enter__(), lambda: opened(Settings(data_dir=tmp_path))):
        with pytest.raises(UsageFault, match="version 9, expected 1") as refused:
            use()
        assert refused.value.fault.code == "data_unusable"


@pytest.mark.parametrize("url", ["http://[::1", "http://lab:port", "lab.example.org", "http://"])
def test_a_public_url_that_is_none_is_refused_as_such(url: str) -> None:
    done = CliRunner().invoke(serve, ["--port", "0", "--public-url", url])
    assert isinstance(done.exception, UsageFault)
    assert done.exception.fault.code == "invalid_public_url"


def test_a_server_has_the_folder_that_keys_and_forget_look_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"photographs" * 1000)
    monkeypatch.setenv("CONVTAILOR_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(serve, ["--port", "0"])
    assert isinstance(done.exception, UsageFault)
    assert done.exception.fault.details["folder"] == str(tmp_path)
