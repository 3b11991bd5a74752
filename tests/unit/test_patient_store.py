"""A training that puts up with an object store that is away for a while."""

import io
from collections.abc import Callable

import pytest

from services.trainer.run.patient_store import PatientStore
from shared.adapters.embedded.signed_url import UrlSigner
from shared.errors import NotFound, Transient
from shared.ports.object_store import StoredObject
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import HandClock


class Away(MemoryObjectStore):
    """A store that takes half of what is put and then fails, and refuses all else, as many times as told."""

    num_refusals = 0

    def _refuse(self) -> None:
        if self.num_refusals:
            self.num_refusals -= 1
            raise Transient("no answer")

    def put(self, key: str, source: io.BytesIO, **how: object) -> StoredObject:
        if self.num_refusals:
            source.read(3)
        self._refuse()
        return super().put(key, source, **how)

    def read(self, key: str, *where: object, **how: object) -> bytes:
        self._refuse()
        return super().read(key, *where, **how)

    def list(self, prefix: str) -> object:
        self._refuse()
        return super().list(prefix)


@pytest.fixture
def away() -> Away:
    clock = HandClock()
    return Away(signer=UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=clock), clock=clock)


def patient(away: Away, **terms: object) -> PatientStore:
    return PatientStore(store=away, sleep=lambda _: None, **terms)


def test_what_is_put_arrives_whole_however_often_the_store_broke_off(away: Away) -> None:
    away.num_refusals = 5
    source = io.BytesIO(b"head and body")
    source.seek(5)
    patient(away).put("k", source, content_type="text/plain")
    assert away.read("k") == b"and body"


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda store: store.read("k", 0, 2), b"by"),
        (lambda store: [each.key for each in store.list("")], ["k"]),
    ],
)
def test_what_is_asked_is_answered_once_the_store_is_back(
    away: Away, call: Callable[[PatientStore], object], answer: object
) -> None:
    away.put("k", io.BytesIO(b"bytes"), content_type="text/plain")
    away.num_refusals = 5
    assert call(patient(away)) == answer


def test_an_outage_without_an_end_is_told_in_the_end(away: Away) -> None:
    away.num_refusals = 10**9
    with pytest.raises(Transient, match="no answer"):
        patient(away, patience_s=0.0).read("k")


def test_what_is_not_there_is_not_waited_for(away: Away) -> None:
    asked = []
    store = PatientStore(store=away, sleep=asked.append)
    with pytest.raises(NotFound):
        store.read("k")
    assert asked == []
