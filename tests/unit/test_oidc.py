"""Tokens against real keys and certificates, fetched over HTTP."""

import time
import traceback
from collections.abc import Iterator

import pytest

from shared.adapters.gcp.pubsub.oidc import OidcVerifier
from shared.errors import Transient
from shared.messaging.push import CallerRefused, TokenRefused
from tests.http_fixture import HANG, HttpServer, Reply
from tests.oidc_fixture import ACCOUNT, AUDIENCE, Issuer, served_certificates
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def certificates(issuer: Issuer) -> Iterator[HttpServer]:
    with served_certificates(issuer) as server:
        yield server


@pytest.fixture
def verifier(certificates: HttpServer) -> OidcVerifier:
    return OidcVerifier(AUDIENCE, ACCOUNT, certs_url=certificates.url, timeout_s=PATIENCE_S)


def test_the_accounts_token_is_taken(verifier: OidcVerifier, issuer: Issuer) -> None:
    verifier.verify(issuer.token())
    verifier.verify(issuer.token(iss="accounts.google.com"))


def test_clocks_may_differ_by_a_few_seconds(verifier: OidcVerifier, issuer: Issuer) -> None:
    now = int(time.time())
    verifier.verify(issuer.token(iat=now + 5, exp=now + 3600))
    verifier.verify(issuer.token(iat=now - 3600, exp=now - 5))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://another.example"},
        {"aud": None},
        {"aud": [AUDIENCE]},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 32_503_680_000},
        {"iss": "https://accounts.evil.example"},
        {"iss": None},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"algorithm": "ES256"},
        {"key_id": "unknown"},
    ],
    ids=str,
)
def test_a_token_that_proves_nothing_is_refused(verifier: OidcVerifier, issuer: Issuer, changes: dict) -> None:
    with pytest.raises(TokenRefused):
        verifier.verify(issuer.token(**changes))


def test_a_token_signed_with_another_key_is_refused(verifier: OidcVerifier) -> None:
    with pytest.raises(TokenRefused):
        verifier.verify(Issuer().token())


def test_a_token_whose_claims_were_exchanged_is_refused(verifier: OidcVerifier, issuer: Issuer) -> None:
    head, _, signature = issuer.token(email="stranger@example.org").split(".")
    _, body, _ = issuer.token().split(".")
    with pytest.raises(TokenRefused):
        verifier.verify(f"{head}.{body}.{signature}")


@pytest.mark.parametrize(
    "token", ["x", "a.b", "a.b.c", "....", "é.é.é", "e30.e30.", "bnVsbA.bnVsbA.x", "W" * 9000 + ".e30.x"]
)
def test_what_is_no_token_is_refused(verifier: OidcVerifier, token: str) -> None:
    with pytest.raises(TokenRefused):
        verifier.verify(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "stranger@project.iam.gserviceaccount.com"},
        {"email": ACCOUNT.upper()},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
    ],
    ids=str,
)
def test_another_account_is_refused_even_with_a_good_token(
    verifier: OidcVerifier, issuer: Issuer, changes: dict
) -> None:
    with pytest.raises(CallerRefused):
        verifier.verify(issuer.token(**changes))


def test_certificates_are_fetched_once_for_many_tokens(
    verifier: OidcVerifier, issuer: Issuer, certificates: HttpServer
) -> None:
    for _ in range(5):
        verifier.verify(issuer.token())
    with pytest.raises(TokenRefused):
        verifier.verify(Issuer().token())
    assert len(certificates.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [Reply(status=500), Reply(status=404), Reply(body=b"<html>sign in to this network</html>"), Reply(status=HANG)],
    ids=["500", "404", "no JSON", "hangs"],
)
def test_a_token_that_cannot_be_checked_now_is_transient(
    issuer: Issuer, certificates: HttpServer, reply: Reply
) -> None:
    certificates.reply = lambda _asked: reply
    with pytest.raises(Transient, match="certificates"):
        OidcVerifier(AUDIENCE, ACCOUNT, certs_url=certificates.url, timeout_s=0.2).verify(issuer.token())


def test_a_certificate_server_that_is_down_is_transient(
    verifier: OidcVerifier, issuer: Issuer, certificates: HttpServer
) -> None:
    certificates.stop()
    with pytest.raises(Transient):
        verifier.verify(issuer.token())


def test_no_error_quotes_the_token(verifier: OidcVerifier, issuer: Issuer) -> None:
    for token in ("secret-that-is-no-token", issuer.token(aud="elsewhere"), issuer.token(email="stranger@x.example")):
        with pytest.raises((TokenRefused, CallerRefused)) as caught:
            verifier.verify(token)
        shown = "".join(traceback.format_exception(caught.value))
        assert token not in shown
        assert "secret-that" not in shown


@pytest.mark.parametrize(("audience", "account"), [("", ACCOUNT), (AUDIENCE, "")])
def test_it_cannot_be_made_to_let_everybody_in(audience: str, account: str) -> None:
    with pytest.raises(ValueError, match="expected both"):
        OidcVerifier(audience, account)
