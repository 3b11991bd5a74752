from collections.abc import Iterator

import pytest

from shared.adapters.gcp.firestore.firestore_access_store import FirestoreAccessStore
from tests.contract.access_store_contract import AccessStoreContract


@pytest.fixture
def store(firestore: str, project: str) -> Iterator[FirestoreAccessStore]:
    store = FirestoreAccessStore(project)
    yield store
    store.close()


class TestFirestoreAccessStore(AccessStoreContract):
    pass
