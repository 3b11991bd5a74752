import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.embedded.signed_url import load_secret
from shared.adapters.gcp.firestore.firestore_job_store import FirestoreJobStore
from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
from shared.adapters.gcp.storage.gcs_object_store import GcsObjectStore
from shared.backends import open_backends
from shared.clock import utc_now
from shared.settings import InvalidSettings, Settings


def test_services_that_share_a_folder_honour_each_others_urls(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data", public_url="https://example.org")
    intake, reporter = open_backends(settings), open_backends(settings)
    request = reporter.object_store.sign_download("jobs/1/model", filename="m.h5", valid_for=timedelta(hours=1))
    grant = intake.url_signer.verify(request.url.rpartition("/")[2], "GET", utc_now())
    assert grant.key == "jobs/1/model"


def test_only_the_owner_may_read_the_folder_and_the_secret(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_backends(Settings(data_dir=folder))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "url.secret").stat().st_mode) == 0o600


def test_services_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(load_secret, [tmp_path / "url.secret"] * 64))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    assert [path.name for path in tmp_path.iterdir()] == ["url.secret"]


@pytest.mark.parametrize("backend", ["aws", ""])
def test_a_backend_that_does_not_exist_is_named_with_the_fix(tmp_path: Path, backend: str) -> None:
    with pytest.raises(InvalidSettings, match=r"CONVTAILOR_BACKEND.* embedded"):
        open_backends(Settings(backend=backend, data_dir=tmp_path))


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidSettings, match=r"CONVTAILOR_DATA_DIR.*file"):
        open_backends(Settings(data_dir=tmp_path / "file"))


def test_adapters_are_imported_only_when_asked_for() -> None:
    program = "import sys, shared.backends; print([m for m in sys.modules if m.startswith('shared.adapters')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_google_cloud_opens_without_a_network_or_a_key() -> None:
    backends = open_backends(Settings(backend="gcp", gcp_project="demo", gcp_bucket="photographs"))
    assert isinstance(backends.job_store, FirestoreJobStore)
    assert isinstance(backends.object_store, GcsObjectStore)
    assert isinstance(backends.event_bus, PubsubEventBus)
    assert backends.url_signer is None, "the bucket serves its own URLs"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "CONVTAILOR_GCP_PROJECT and CONVTAILOR_GCP_BUCKET"),
        ({"gcp_project": "demo"}, "needs CONVTAILOR_GCP_BUCKET"),
        ({"gcp_bucket": "photographs"}, "needs CONVTAILOR_GCP_PROJECT"),
    ],
)
def test_what_google_cloud_needs_is_listed(given: dict[str, str], missing: str) -> None:
    with pytest.raises(InvalidSettings, match=missing):
        open_backends(Settings(backend="gcp", **given))


def test_google_cloud_without_its_libraries_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud", None)
    for module in [name for name in sys.modules if name.startswith("shared.adapters.gcp.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(InvalidSettings, match=r"pip install 'convtailor\[gcp\]'"):
        open_backends(Settings(backend="gcp", gcp_project="demo", gcp_bucket="photographs"))


def test_nothing_of_google_is_imported_for_one_machine(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from shared.backends import open_backends
from shared.settings import Settings
open_backends(Settings(data_dir=Path(sys.argv[1])))
print([m for m in sys.modules if m.split(".")[0] in ("google", "grpc")])
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
