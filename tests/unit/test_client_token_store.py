import os
import stat

import pytest

from services.client.api.token_store import KnownJob, TokenStore
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
