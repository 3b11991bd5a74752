from collections.abc import Iterator

import pytest
from google.cloud.firestore import Client

from shared.adapters.gcp.firestore.firestore_heartbeat_store import FirestoreHeartbeatStore
from shared.adapters.gcp.vendor_error import CallLimit
from shared.errors import Transient
from shared.job.retention import KEEP_ENDED
from tests.cloud import emulator
from tests.contract.heartbeat_store_contract import HeartbeatStoreContract
from tests.job_fixture import full_heartbeat, make_heartbeat


@pytest.fixture
def heartbeats(firestore: str, project: str) -> Iterator[FirestoreHeartbeatStore]:
    heartbeats = FirestoreHeartbeatStore(project)
    yield heartbeats
    heartbeats.close()


class TestFirestoreHeartbeatStore(HeartbeatStoreContract):
    def test_one_that_nobody_deleted_fades_away(self, heartbeats: FirestoreHeartbeatStore, project: str) -> None:
        heartbeats.put(full_heartbeat())
        client = Client(project=project)
        lies = client.document("jobs/job-1/heartbeats/2").get()
        client.close()
        assert lies.get("expire_at") == full_heartbeat().expires_at + KEEP_ENDED


@pytest.mark.parametrize("stalls", [False, True], ids=["refused", "silent"])
def test_a_store_that_does_not_answer_is_transient(stalls: bool, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator.dead_end(stalls=stalls) as address:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        heartbeats = FirestoreHeartbeatStore(project, limit=CallLimit(seconds=1.0))
        calls = (
            lambda: heartbeats.put(make_heartbeat()),
            lambda: heartbeats.get("job-1", 1),
            lambda: heartbeats.delete("job-1"),
        )
        for call in calls:
            with pytest.raises(Transient):
                call()
        heartbeats.close()
