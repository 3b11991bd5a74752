"""Programs that find TensorFlow imported already are processes like others to whoever starts them."""

import os
import signal
import subprocess
import sys

import pytest

from tests.preloaded.python import kill_preloaded, preloaded_programs, preloaded_python


def started() -> "subprocess.Popen[bytes]":
    """Start a training process of a script and wait until it has said that it is ready."""
    command = [preloaded_python(), "-P", "-m", "tests.scripted_training", "ready", "succeed"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_streams_environment_and_exit_status_are_its_own() -> None:
    command = [preloaded_python(), "-m", "services.trainer"]
    environ = {**os.environ, "CONVTAILOR_TRAINER_LEASE_S": "soon"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "CONVTAILOR_TRAINER_LEASE_S" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_whose_starter_is_gone_leaves() -> None:
    with started() as process:
        process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("killed_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_one_that_is_killed_is_gone_with_all_that_it_held(killed_by: signal.Signals) -> None:
    with started() as process:
        if killed_by is signal.SIGUSR1:
            kill_preloaded(process)
        else:
            process.send_signal(killed_by)
        assert process.stdout is not None
        assert process.stdout.read() == b"", "nobody can write there any more"
    assert process.returncode == -killed_by


def test_what_is_no_program_of_ours_is_run_by_python_itself() -> None:
    said = subprocess.check_output([preloaded_python(), "-c", "import sys; print(sys.executable)"], text=True)
    assert said.strip() == sys.executable


def test_code_of_ours_starts_such_programs_in_a_block_only() -> None:
    ours = sys.executable
    with preloaded_programs():
        assert sys.executable == preloaded_python()
    assert sys.executable == ours
