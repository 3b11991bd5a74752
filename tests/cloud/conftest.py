"""Google's emulators, one of each for all tests; every test keeps to a project of its own name."""

import uuid
from collections.abc import Iterator

import pytest

from tests.cloud import emulator
from tests.cloud.storage_fixture import key_file, service_account, signing_clock, storage_server

__all__ = ["key_file", "service_account", "signing_clock", "storage_server"]


@pytest.fixture(scope="session")
def pubsub_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield ``127.0.0.1:PORT`` of a Pub/Sub emulator."""
    started = emulator.start(emulator.PUBSUB, tmp_path_factory.mktemp("pubsub"))
    yield started.address
    started.stop()


@pytest.fixture(scope="session")
def firestore_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield ``127.0.0.1:PORT`` of a Firestore emulator."""
    started = emulator.start(emulator.FIRESTORE, tmp_path_factory.mktemp("firestore"))
    yield started.address
    started.stop()


@pytest.fixture
def project() -> str:
    """Return a project id that nobody else uses: it is empty on every emulator."""
    return f"demo-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def pubsub(pubsub_emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point Google's Pub/Sub library at the emulator, and return its address."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator)
    return pubsub_emulator


@pytest.fixture
def firestore(firestore_emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point Google's Firestore library at the emulator, and return its address."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)
    return firestore_emulator
