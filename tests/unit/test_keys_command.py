"""What an operator sees of API keys, and that a key is shown once."""

import pytest

from services.client.fault import ExitCode
from services.client.terminal.outcome import run_command
from services.onebox.cli import convtailor
from shared.access.api_key import hash_of
from shared.backends import open_backends
from shared.settings import Settings


@pytest.fixture
def keys(tmp_path, capsys):
    (tmp_path / "data").mkdir()

    def run(*words: str) -> tuple[int, str, str]:
        code = run_command(convtailor, ["keys", "--data", str(tmp_path / "data"), *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    run.store = open_backends(Settings(data_dir=tmp_path / "data")).access_store
    return run


def test_a_key_is_shown_once_opens_what_it_says_and_nothing_once_it_is_revoked(keys):
    code, text, err = keys("--new", "nightly build", "--jobs-per-day", "20")
    assert code == ExitCode.DONE
    key = keys.store.key(hash_of(text.strip()))
    assert (key.name, key.jobs_per_day, key.is_operator) == ("nightly build", 20, False)
    assert key.key_id in err
    _, listed, _ = keys()
    assert f"{key.key_id}  nightly build  since " in listed
    assert "20 jobs a day" in listed
    assert text.strip() not in listed
    assert keys("--revoke", key.key_id)[0] == ExitCode.DONE
    assert keys.store.key(hash_of(text.strip())).revoked_at is not None
    assert "revoked" in keys()[1]


def test_a_key_that_does_not_exist_cannot_be_revoked_and_no_folder_is_made_by_asking(keys, tmp_path, capsys):
    code, _, err = keys("--revoke", "0" * 12)
    assert (code, "convtailor keys lists them" in err) == (ExitCode.USAGE, True)
    assert run_command(convtailor, ["keys", "--data", str(tmp_path / "typo")]) == ExitCode.USAGE
    assert "There is no folder" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()
