"""The program as a shell sees it: help, usage errors, exit codes, one JSON document."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from services.client.commands.job_option import job_options
from services.client.terminal.outcome import run_command
from services.intake.settings import IntakeSettings
from services.onebox.cli import convtailor
from services.onebox.commands.demo import own_name
from services.onebox.commands.run import new_folder
from services.onebox.scratch_folder import settings_of_run
from services.reporter.settings import MailCarrier, ReporterSettings
from shared.job.options import JobOptions
from shared.settings import load
from tools.cli_page import page

ROOT = Path(__file__).parents[2]
NAMES = list(convtailor.list_commands(click.Context(convtailor)))


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CONVTAILOR_SERVER", raising=False)
    monkeypatch.chdir(tmp_path)


def call(capsys, *arguments):
    code = run_command(convtailor, arguments)
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_help_starts_fast_and_imports_nothing_heavy():
    script = (
        "import sys; from services.onebox.cli import convtailor; convtailor.main(['--help'], standalone_mode=False);"
        "heavy = {'tensorflow', 'keras', 'numpy', 'pydantic', 'httpx', 'rich', 'flask', 'sklearn', 'PIL'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Seconds of the processor, since those of the wall tell how busy the machine is.
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in NAMES)
    assert min(seconds) < 0.4


def test_the_list_of_commands_fits_what_they_do():
    for name in NAMES:
        command = convtailor.get_command(click.Context(convtailor), name)
        assert command.name == name
        assert command.examples
        assert all(f"convtailor {name}" in example for example in command.examples)


def test_the_page_in_the_documentation_is_what_the_program_says():
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == page(), "run: python -m tools.cli_page"


def test_the_defaults_in_the_help_are_those_of_the_service():
    @click.command()
    @job_options
    def command(**_):
        pass

    defaults = {}
    for parameter in command.params:
        defaults[parameter.name] = parameter.help.rpartition("[default: ")[2].rstrip("]")
    expected = JobOptions()
    absent = {name for name in defaults if getattr(expected, name) is None}
    defaults = {name: str(None) if name in absent and value == "none" else value for name, value in defaults.items()}
    assert defaults == {
        name: ",".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in ((name, getattr(expected, name)) for name in JobOptions.__dataclass_fields__)
    }


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (["run", "gone.zip", "--email", "a@example.org", "--out", "o"], 2, "data_not_found"),
        (["submit", "."], 2, "usage"),
        (["run", ".", "--email", "a@example.org", "--out", "o", "--epochs", "0"], 2, "invalid_option"),
        (["run", ".", "--email", "a@example.org", "--out", "o", "--candidates", "lenet"], 2, "invalid_option"),
        (["submit", "gone", "--email", "a@example.org"], 2, "data_not_found"),
        (["submit", ".", "--email", "a@example.org", "--server", "nowhere"], 2, "invalid_server"),
        (["status"], 2, "token_unknown"),
        (["cancel", "3f2a"], 2, "token_unknown"),
        (["fetch", "../x", "--token", "t"], 2, "invalid_job_id"),
        (["watch", "3f2a", "--token", "t", "--server", "http://127.0.0.1:9"], 3, "unreachable"),
        (["predict", "gone.h5", "a.jpg"], 2, "model_not_found"),
        (["nonsense"], 2, "usage"),
        (["run", "--nonsense"], 2, "usage"),
    ],
)
def test_what_cannot_be_done_is_one_document_and_an_exit_code(capsys, arguments, code, fault):
    got, out, err = call(capsys, *arguments, "--json")
    document = json.loads(out)
    assert (got, document["error"]["code"]) == (code, fault)
    assert set(document["error"]) == {"code", "message", "fix", "details"}
    assert document["error"]["fix"]
    assert not err

    got, out, err = call(capsys, *arguments)
    assert (got, out) == (code, "")
    assert "Traceback" not in err
    assert err.strip()


def test_several_wrong_options_are_told_together(capsys):
    arguments = ["run", ".", "--email", "a@example.org", "--out", "o", "--epochs", "0", "--seed", "-1", "--json"]
    code, out, _ = call(capsys, *arguments)
    assert code == 2
    assert [fault["details"]["field"] for fault in json.loads(out)["error"]["details"]["faults"]] == ["epochs", "seed"]
    assert not Path("o").exists()


def test_a_taken_port_is_told_before_anything_starts(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = call(capsys, "serve", "--port", port, "--data", str(tmp_path / "data"))
    assert code == 2
    assert f"Cannot listen at 127.0.0.1:{port}" in err
    assert not (tmp_path / "data").exists()


def test_the_candidates_are_listed_without_a_network_or_tensorflow():
    script = (
        "import sys; from services.onebox.cli import convtailor;"
        "convtailor.main(['candidates', '--offline', '--json'], standalone_mode=False);"
        "assert 'tensorflow' not in sys.modules"
    )
    environ = {**os.environ, "CONVTAILOR_WEIGHTS": os.devnull}
    listed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE)
    rows = {row["name"]: row for row in json.loads(listed.stdout)["candidates"]}
    assert rows["tiny"]["weights"] == "bundled"
    assert rows["vgg16"]["parameters"] == 14_714_688
    assert rows["vgg16"]["weights"] in ("absent", "cache")


@pytest.mark.parametrize(
    ("started_by", "on_path", "typed"),
    [
        (".venv/bin/convtailor", False, ".venv/bin/convtailor"),
        (".venv/bin/convtailor", True, "convtailor"),
        ("/site-packages/services/onebox/cli.py", False, "convtailor"),
    ],
)
def test_the_demo_ends_with_a_command_that_can_be_typed(monkeypatch, tmp_path, started_by, on_path, typed):
    if on_path:
        (tmp_path / "convtailor").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started_by, "demo"])
    assert own_name() == typed


@pytest.mark.parametrize("data", ["photos.zip", "photos", "photos/"])
def test_results_without_a_place_never_replace_older_ones(tmp_path, data):
    (tmp_path / "photos-results").mkdir()
    (tmp_path / "photos-results-2").symlink_to("nowhere")
    assert new_folder(Path(data), tmp_path) == tmp_path / "photos-results-3"


def test_runs_that_start_at_the_same_moment_have_a_folder_each(tmp_path):
    assert [new_folder(Path("photos.zip"), tmp_path).name for _ in range(2)] == ["photos-results", "photos-results-2"]


def test_what_a_killed_run_left_of_its_services_is_removed_when_the_next_gets_another_folder(tmp_path):
    left = tmp_path / "photos-results" / ".convtailor-run-1" / "scratch"
    left.mkdir(parents=True)
    (tmp_path / "photos-results" / "mail.eml").touch()
    assert new_folder(Path("photos.zip"), tmp_path).name == "photos-results-2"
    assert [path.name for path in (tmp_path / "photos-results").iterdir()] == ["mail.eml"]


def test_the_longest_name_of_an_archive_has_a_folder_for_its_results(tmp_path):
    assert new_folder(Path("ä" * 125 + ".zip"), tmp_path).is_dir()


def test_a_run_in_the_folder_of_photographs_is_called_after_that_folder(tmp_path):
    assert new_folder(Path(), Path()) == Path(f"{tmp_path.name}-results")


def test_a_run_that_nohup_started_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run_command(convtailor, ["--version"])
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_beside_a_server_obeys_none_of_what_that_asks_of_people(tmp_path):
    asked = {
        "CONVTAILOR_REQUIRE_KEY": "true",
        "CONVTAILOR_CONFIRM_ADDRESSES": "true",
        "CONVTAILOR_MAX_JOBS": "1",
        "CONVTAILOR_MAILER": "smtp",
        "CONVTAILOR_SMTP_HOST": "mail.example.org",
        "CONVTAILOR_LOG_LEVEL": "DEBUG",
    }
    environ = settings_of_run(tmp_path, tmp_path, asked)
    intake, reporter = load(IntakeSettings, environ), load(ReporterSettings, environ)
    assert (intake.require_key, intake.confirm_addresses, intake.max_jobs) == (False, False, 0)
    assert reporter.mailer is MailCarrier.OUTBOX
    assert intake.log_level == "DEBUG"


def test_a_folder_in_which_no_network_could_be_trained_is_refused_before_anything_starts(tmp_path, monkeypatch, capsys):
    (tmp_path / "photos").mkdir()
    strange = tmp_path / os.fsdecode(b"b\xfccher")
    strange.mkdir()
    monkeypatch.chdir(strange)
    code, _, told = call(capsys, "run", "../photos")
    assert code == 2
    assert r"b\xfccher/photos-results" in told
    assert list(strange.iterdir()) == []
