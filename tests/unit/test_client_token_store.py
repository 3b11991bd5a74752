import os
import stat
from pathlib import Path

import pytest

from services.client.api.token_store import KnownJob, TokenStore
from services.client.commands.access import told_how_to_go_on
from services.client.fault import UsageFault

JOB = KnownJob(job_id="3f2a", server="http://here.test", token="secret")


def test_a_job_is_remembered_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        TokenStore(tmp_path / "state/jobs").remember(JOB)
    finally:
        os.umask(before)
    file = tmp_path / "state/jobs/3f2a.json"
    assert TokenStore(tmp_path / "state/jobs").recall("3f2a") == JOB
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["3f2a.json"]


def test_without_an_id_the_last_job_is_meant(tmp_path):
    store = TokenStore(tmp_path)
    assert store.recall(None) is None
    assert store.recall("3f2a") is None
    store.remember(JOB)
    store.remember(KnownJob(job_id="later", server="http://here.test", token="other"))
    os.utime(tmp_path / "3f2a.json", (1, 1))
    assert store.recall(None).job_id == "later"


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "", "a/b", "a\n"])
def test_an_id_that_could_leave_the_folder_is_refused(tmp_path, job_id):
    with pytest.raises(UsageFault, match="is no job id"):
        TokenStore(tmp_path).remember(KnownJob(job_id=job_id, server="s", token="t"))
    with pytest.raises(UsageFault, match="is no job id"):
        TokenStore(tmp_path).recall(job_id)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "3f2a.json").write_text("{")
    with pytest.raises(UsageFault, match=r"3f2a\.json cannot be read"):
        TokenStore(tmp_path).recall("3f2a")


def test_an_account_without_a_home_gets_no_folder_called_tilde(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        TokenStore(Path("~/.local/state")).remember(KnownJob(job_id="1", server="http://lab", token="ctk_1"))
    assert not any(tmp_path.iterdir())


def test_a_token_that_cannot_be_remembered_is_told_with_what_to_type(monkeypatch, tmp_path):
    (tmp_path / "home").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    job = KnownJob(job_id="1", server="http://lab.example.org", token="ctk_1")
    told = told_how_to_go_on(job)
    assert "keep these lines" in told[0]
    assert told[1].endswith("convtailor watch 1 --token ctk_1 --server http://lab.example.org")


def test_a_token_that_is_remembered_need_not_be_typed(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    told = told_how_to_go_on(KnownJob(job_id="1", server="http://lab.example.org", token="ctk_1"))
    assert told == ["Watch it:      convtailor watch 1", "Fetch results: convtailor fetch 1 --out results"]
