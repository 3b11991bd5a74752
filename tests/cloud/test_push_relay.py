"""The whole way of a push: through the relay, past real tokens and certificates, into a service."""

import threading
from collections.abc import Iterator

import httpx
import pytest
from werkzeug.serving import make_server

from services.reporter.app import create_app
from shared.adapters.gcp.pubsub.oidc import OidcVerifier
from shared.job.events import Event, encode, job_queued
from shared.push_gate import PushGate
from tests.cloud.push_relay import relayed
from tests.doubles.memory_job_store import MemoryJobStore
from tests.job_fixture import NOW
from tests.oidc_fixture import ACCOUNT, AUDIENCE, Issuer, served_certificates
from tests.push_fixture import envelope
from tests.waiting import PATIENCE_S

EVENT = job_queued("job-1", NOW)
PUSH = envelope(encode(EVENT))


class Service:
    def __init__(self, url: str, issuer: Issuer) -> None:
        self.url, self.issuer, self.handled = url, issuer, list[Event]()


@pytest.fixture
def service() -> Iterator[Service]:
    issuer = Issuer()
    with served_certificates(issuer) as certificates:
        verifier = OidcVerifier(AUDIENCE, ACCOUNT, certs_url=certificates.url)
        gate = PushGate(verifier=verifier, record_dead=lambda *_: None, notified=lambda *_: None)
        found = Service("", issuer)
        server = make_server("127.0.0.1", 0, create_app(found.handled.append, MemoryJobStore(), gate), threaded=True)
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_push_through_the_relay_is_taken(service: Service) -> None:
    with relayed(service.url, service.issuer) as relay:
        assert httpx.post(f"{relay.url}/push/results", content=PUSH, timeout=PATIENCE_S).status_code == 204
    assert service.handled == [EVENT]


def test_the_same_push_without_a_token_or_with_a_forged_one_is_not(service: Service) -> None:
    assert httpx.post(f"{service.url}/push/results", content=PUSH, timeout=PATIENCE_S).status_code == 401
    with relayed(service.url, Issuer()) as relay:
        assert httpx.post(f"{relay.url}/push/results", content=PUSH, timeout=PATIENCE_S).status_code == 401
    assert service.handled == []


def test_a_service_that_is_down_makes_the_message_come_again(service: Service) -> None:
    with relayed("http://127.0.0.1:9", service.issuer) as relay:
        assert httpx.post(f"{relay.url}/push/results", content=PUSH, timeout=PATIENCE_S).status_code == 502
