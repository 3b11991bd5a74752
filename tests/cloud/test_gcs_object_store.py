from urllib.parse import unquote

import httpx
import pytest

from shared.adapters.gcp.gcs_object_store import GcsObjectStore
from shared.ports.object_store import ObjectStore, SignedRequest
from tests.cloud.storage_fixture import BUCKET
from tests.cloud.storage_server import StorageServer
from tests.contract.object_store_contract import Answer, ObjectStoreContract
from tests.job_fixture import HandClock


class TestGcsObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, storage_server: StorageServer, signing_clock: HandClock) -> GcsObjectStore:
        self.server, self.clock = storage_server, signing_clock
        return GcsObjectStore(BUCKET, clock=signing_clock)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def send(self, store: ObjectStore, request: SignedRequest, body: bytes = b"") -> Answer:
        answer = httpx.request(request.method, request.url, headers=dict(request.headers), content=body)
        if answer.is_error:
            return Answer(ok=False)
        _, _, filename = answer.headers.get("Content-Disposition", "").partition("filename*=UTF-8''")
        return Answer(ok=True, body=answer.content if request.method == "GET" else b"", filename=unquote(filename))
