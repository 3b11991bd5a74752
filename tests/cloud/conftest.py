"""Google's emulators, one of each for all tests; every test keeps to a project of its own name."""

import uuid

import pytest
from google.cloud.firestore import Client

from tests.cloud.shared_emulators import shared_emulator
from tests.cloud.storage_fixture import key_file, service_account, signing_clock, storage_server
from tests.waiting import PATIENCE_S

__all__ = ["key_file", "service_account", "signing_clock", "storage_server"]


@pytest.fixture(scope="session")
def pubsub_emulator() -> str:
    """Return ``127.0.0.1:PORT`` of a Pub/Sub emulator."""
    return shared_emulator("pubsub")


@pytest.fixture(scope="session")
def firestore_emulator() -> str:
    """Return ``127.0.0.1:PORT`` of a Firestore emulator that has written before: its first time takes it longest."""
    address = shared_emulator("firestore")
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("FIRESTORE_EMULATOR_HOST", address)
        client = Client(project="demo-first")
    client.document("first/time").set({}, retry=None, timeout=PATIENCE_S)
    client.close()
    return address


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
