"""The scratch folder of a job: what a later claim takes over, and the archive's way onto the disk."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from services.trainer.scratch.workspace import fetch_archive, forget_workspace, kept_jobs, open_workspace
from shared.adapters.embedded.signed_url import UrlSigner
from shared.clock import utc_now
from shared.errors import NotFound
from tests.doubles.memory_object_store import MemoryObjectStore


def test_a_later_claim_takes_over_what_the_last_one_left(tmp_path: Path) -> None:
    for fence in (1, 2):
        (open_workspace(tmp_path, "j", fence) / f"left_by_{fence}").touch()
    third = open_workspace(tmp_path, "j", 3)
    assert sorted(path.name for path in third.iterdir()) == ["left_by_1", "left_by_2"]
    assert [path.name for path in (tmp_path / "j").iterdir()] == ["3"]


def test_nothing_is_left_of_a_job_that_ended(tmp_path: Path) -> None:
    (open_workspace(tmp_path, "j", 1) / "file").touch()
    open_workspace(tmp_path, "other", 1)
    forget_workspace(tmp_path, "j")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_the_archive_comes_in_the_version_that_was_judged(tmp_path: Path) -> None:
    objects = MemoryObjectStore(signer=UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=utc_now))
    first = objects.put("k", BytesIO(b"first"), content_type="application/zip")
    path = fetch_archive(objects, "k", generation=first.generation, directory=tmp_path)
    assert path.read_bytes() == b"first"
    objects.put("k", BytesIO(b"second"), content_type="application/zip")
    assert fetch_archive(objects, "k", generation=first.generation, directory=tmp_path) == path  # still at hand
    path.unlink()
    with pytest.raises(NotFound):
        fetch_archive(objects, "k", generation=first.generation, directory=tmp_path)


def test_what_libraries_leave_behind_lies_where_it_is_removed_whatever_kills_the_process(tmp_path: Path) -> None:
    program = (
        "import sys, tempfile, time; from pathlib import Path;"
        "from services.trainer.scratch.workspace import open_temporary_folder;"
        "open_temporary_folder(Path(sys.argv[1])); tempfile.mkstemp(); print('ready', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    process.stdout.readline()
    (name,) = kept_jobs(tmp_path)
    assert len(list((tmp_path / name).iterdir())) == 1
    assert not forget_workspace(tmp_path, name), "it is at work"
    process.kill()
    process.communicate()
    assert forget_workspace(tmp_path, name)
    assert kept_jobs(tmp_path) == []
