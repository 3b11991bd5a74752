"""A strict Cloud Storage server for a test, and the process environment that leads Google's library to it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud.service_account import ServiceAccount
from tests.cloud.storage_server import StorageServer
from tests.job_fixture import HandClock

ACCOUNT = "signer@demo.iam.gserviceaccount.com"
BUCKET = "convtailor-test"
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def service_account() -> ServiceAccount:
    """Return an account with a key that the server trusts."""
    return ServiceAccount.make(ACCOUNT)


@pytest.fixture(scope="session")
def key_file(service_account: ServiceAccount, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its key file, for ``GOOGLE_APPLICATION_CREDENTIALS``."""
    return service_account.write(tmp_path_factory.mktemp("account") / "key.json")


@pytest.fixture
def signing_clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """Return the clock by which the server judges and Google's library signs."""
    clock = HandClock()
    monkeypatch.setattr("google.cloud.storage._signing._NOW", lambda _zone: clock())
    return clock


@pytest.fixture
def storage_server(
    service_account: ServiceAccount, key_file: Path, signing_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageServer]:
    """Yield a server with an empty bucket, which Google's library of this process speaks to."""
    keys = {service_account.email: service_account.key.public_key()}
    with StorageServer(BUCKET, keys=keys, clock=signing_clock) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
        yield server


@contextmanager
def storage_process(key_file: Path, *arguments: str, bucket: str = BUCKET) -> Iterator[str]:
    """Run a server in a process of its own for as long as the block runs, and yield its address.

    Args:
        key_file: Of the account whose signatures count.
        arguments: Further ones of ``tests.cloud.storage_server``.
        bucket: Name of the bucket.
    """
    command = [sys.executable, "-m", "tests.cloud.storage_server", "--bucket", bucket, "--key", str(key_file)]
    with subprocess.Popen([*command, *arguments], cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            if not address:
                raise RuntimeError(f"the storage server ended with {process.wait()}")
            yield address
        finally:
            process.kill()
