"""Signing without a key file, as on Cloud Run: Google's credentials against a metadata server and an IAM of ours."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import Request

from shared.adapters.gcp.storage.gcs_object_store import GcsObjectStore
from shared.adapters.gcp.storage.url_signing import UrlSigning
from shared.errors import Transient
from shared.ports.object_store import SignedRequest
from tests.cloud.service_account import ServiceAccount
from tests.cloud.storage_fixture import ACCOUNT, BUCKET
from tests.cloud.storage_server import StorageServer
from tests.http_fixture import RESET, Asked, HttpServer, Reply, served
from tests.waiting import PATIENCE_S

HOUR = timedelta(hours=1)
IAM = "https://iamcredentials.googleapis.com"


@dataclass
class Google:
    """The metadata server of a machine without a key file, and IAM, which holds the key."""

    account: ServiceAccount
    server: HttpServer | None = None
    statuses: list[int] = field(default_factory=list)
    num_tokens: int = 0

    def reply(self, asked: Asked) -> Reply:
        path = urlsplit(asked.path).path
        if path.endswith(":signBlob"):
            return self._sign(asked, path)
        if path.endswith("/token"):
            self.num_tokens += 1
            return as_json({"access_token": f"token{self.num_tokens}", "expires_in": 3600, "token_type": "Bearer"})
        if "/service-accounts/" in path:
            return as_json({"email": self.account.email, "scopes": ["x"], "aliases": ["default"]})
        if "universe" in path:
            return Reply(status=404)
        return Reply(body=b"demo", headers={"Metadata-Flavor": "Google", "Content-Type": "text/plain"})

    def _sign(self, asked: Asked, path: str) -> Reply:
        if self.statuses:
            return Reply(status=self.statuses.pop(0), body=b"not now")
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert headers["authorization"] == f"Bearer token{self.num_tokens}"
        if path != f"/v1/projects/-/serviceAccounts/{self.account.email}:signBlob":
            return Reply(status=403, body=b"Permission 'iam.serviceAccounts.signBlob' denied")
        message = base64.b64decode(json.loads(asked.body)["payload"])
        signature = self.account.key.sign(message, PKCS1v15(), SHA256())
        return as_json({"keyId": "1", "signedBlob": base64.b64encode(signature).decode()})


def as_json(document: dict[str, object]) -> Reply:
    headers = {"Content-Type": "application/json", "Metadata-Flavor": "Google"}
    return Reply(body=json.dumps(document).encode(), headers=headers)


class ToThisMachine(requests.adapters.HTTPAdapter):
    """Leads requests for one server to another."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__()
        self._server = server

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        request.url = request.url.replace(IAM, self._server.url)
        return super().send(request, **options)


@pytest.fixture
def google(
    storage_server: StorageServer, service_account: ServiceAccount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Google]:
    """Yield what a machine of Google's has around it, in place of a key file."""
    google = Google(service_account)
    with served(google.reply) as server:
        address = urlsplit(server.url).netloc
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        monkeypatch.setenv("GCE_METADATA_IP", address)
        monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", address)
        google.server = server
        yield google


@pytest.fixture
def session(google: Google) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount(IAM, ToThisMachine(google.server))
        yield session


def store_of(signing: UrlSigning, server: StorageServer) -> "closing[GcsObjectStore]":
    return closing(GcsObjectStore(BUCKET, clock=server.clock, signing=signing))


def signed(store: GcsObjectStore, valid_for: timedelta = HOUR) -> SignedRequest:
    return store.sign_upload("up", content_type="text/plain", max_bytes=9, valid_for=valid_for)


def upload(request: SignedRequest) -> int:
    return httpx.put(request.url, headers=dict(request.headers), content=b"data", timeout=PATIENCE_S).status_code


def signer_of(request: SignedRequest) -> str:
    return parse_qs(urlsplit(request.url).query)["X-Goog-Credential"][0].partition("/")[0]


@pytest.mark.parametrize("signer", [None, ACCOUNT])
def test_iam_signs_where_there_is_no_key(
    google: Google, session: requests.Session, storage_server: StorageServer, signer: str | None
) -> None:
    with store_of(UrlSigning(signer=signer, request=Request(session)), storage_server) as store:
        first, second = signed(store), signed(store)
        assert signer_of(first) == ACCOUNT
        assert upload(first) == 200
        assert upload(second) == 412
        assert store.read("up") == b"data"
    assert google.num_tokens == 1, "a token serves until it expires"


def test_a_short_fault_of_iam_is_waited_out(
    google: Google, session: requests.Session, storage_server: StorageServer
) -> None:
    google.statuses = [503]
    with store_of(UrlSigning(request=Request(session)), storage_server) as store:
        assert upload(signed(store)) == 200


@pytest.mark.parametrize("statuses", [[403], [RESET]], ids=["refused", "reset"])
def test_an_iam_that_does_not_sign_is_transient(
    google: Google, session: requests.Session, storage_server: StorageServer, statuses: list[int]
) -> None:
    google.statuses = statuses
    with (
        store_of(UrlSigning(request=Request(session)), storage_server) as store,
        pytest.raises(Transient, match="'up'"),
    ):
        signed(store)


def test_another_account_signs_only_with_its_leave(
    google: Google, session: requests.Session, storage_server: StorageServer
) -> None:
    signing = UrlSigning(signer="other@demo.iam.gserviceaccount.com", request=Request(session))
    with store_of(signing, storage_server) as store, pytest.raises(Transient, match="signBlob"):
        signed(store)


def test_credentials_without_an_account_say_what_to_set(storage_server: StorageServer) -> None:
    signing = UrlSigning(credentials=AnonymousCredentials())
    with store_of(signing, storage_server) as store, pytest.raises(Transient, match="CONVTAILOR_GCP_SIGNER"):
        signed(store)


@pytest.mark.parametrize("valid_for", [timedelta(days=7, seconds=1), timedelta(0), -HOUR], ids=str)
def test_a_life_that_cannot_be_signed_is_refused_by_name(storage_server: StorageServer, valid_for: timedelta) -> None:
    with (
        store_of(UrlSigning(), storage_server) as store,
        pytest.raises(ValueError, match="expected 1 second to 7 days"),
    ):
        signed(store, valid_for)


def test_seven_days_can_be_signed(storage_server: StorageServer) -> None:
    with store_of(UrlSigning(), storage_server) as store:
        assert upload(signed(store, timedelta(days=7))) == 200
