"""Stands between the Pub/Sub emulator and a service, and adds the token that the real Pub/Sub would send."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.http_fixture import Asked, HttpServer, Reply, served
from tests.oidc_fixture import Issuer

_TIMEOUT_S = 120.0
_UNREACHABLE = Reply(status=502)


@contextmanager
def relayed(target: str, issuer: Issuer) -> Iterator[HttpServer]:
    """Forward every request to the same path of a service, with a fresh token.

    Args:
        target: Address of the service, without a slash at its end.
        issuer: Makes the tokens; the service is told where :func:`tests.oidc_fixture.served_certificates` has its
            certificates, by CONVTAILOR_PUSH_CERTS_URL.
    """

    def forward(asked: Asked) -> Reply:
        headers = {"Authorization": f"Bearer {issuer.token()}", "Content-Type": "application/json"}
        try:
            answer = httpx.request(
                asked.method, target + asked.path, content=asked.body, headers=headers, timeout=_TIMEOUT_S
            )
        except httpx.TransportError:  # killed by the test, perhaps
            return _UNREACHABLE
        return Reply(status=answer.status_code, body=answer.content)

    with served(forward) as server:
        yield server
