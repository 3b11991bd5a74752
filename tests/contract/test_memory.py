import pytest

from shared.adapters.embedded.signed_url import UrlSigner
from shared.ports.object_store import ObjectStore, SignedRequest
from tests.contract.access_store_contract import AccessStoreContract
from tests.contract.event_bus_contract import RULES, EventBusContract
from tests.contract.heartbeat_store_contract import HeartbeatStoreContract
from tests.contract.job_store_contract import JobStoreContract
from tests.contract.object_store_contract import Answer, ObjectStoreContract
from tests.contract.signed_url_server import serve
from tests.doubles.memory_access_store import MemoryAccessStore
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import HandClock


class TestMemoryJobStore(JobStoreContract):
    @pytest.fixture
    def store(self) -> MemoryJobStore:
        return MemoryJobStore()

    def spoil_job(self, store: MemoryJobStore, job_id: str) -> None:
        store.spoil_job(job_id)

    def spoil_event(self, store: MemoryJobStore, event_id: str, data: bytes) -> None:
        store.spoil_event(event_id, data)

    def set_aside(self, store: MemoryJobStore) -> list[bytes]:
        return list(store.set_aside.values())


class TestMemoryHeartbeatStore(HeartbeatStoreContract):
    @pytest.fixture
    def heartbeats(self) -> MemoryHeartbeatStore:
        return MemoryHeartbeatStore()


class TestMemoryAccessStore(AccessStoreContract):
    @pytest.fixture
    def store(self) -> MemoryAccessStore:
        return MemoryAccessStore()


class TestMemoryEventBus(EventBusContract):
    @pytest.fixture
    def bus(self) -> MemoryEventBus:
        self.clock = HandClock()
        return MemoryEventBus(rules=RULES, clock=self.clock)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)


class TestMemoryObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> MemoryObjectStore:
        self.clock = HandClock()
        self.signer = UrlSigner(b"secret", public_url="https://example.org", clock=self.clock)
        return MemoryObjectStore(signer=self.signer, clock=self.clock)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def send(self, store: ObjectStore, request: SignedRequest, body: bytes = b"") -> Answer:
        return serve(self.signer, store, request, body, now=self.clock())
