"""Stands between the Pub/Sub emulator and a service, and adds the token that the real Pub/Sub would send."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

import httpx

from tests.http_fixture import Asked, HttpServer, Reply, served
from tests.oidc_fixture import Issuer

_TIMEOUT_S = 120.0
_UNREACHABLE = Reply(status=502)


@contextmanager
def relayed(
    target: str,
    issuer: Issuer,
    *,
    copies: Callable[[], int] = lambda: 1,
    settled: Callable[[bytes], object] = lambda _: None,
) -> Iterator[HttpServer]:
    """Forward every request to the same path of a service, with a fresh token.

    Of several copies, sent at once, the worst answer counts, so that the message comes again as long as one failed.

    Args:
        target: Address of the service, without a slash at its end.
        issuer: Makes the tokens; the service is told where :func:`tests.oidc_fixture.served_certificates` has its
            certificates, by CONVTAILOR_PUSH_CERTS_URL.
        copies: How often the next request is sent.
        settled: Called with the body of each request that the service took, all its copies included.
    """

    def forward(asked: Asked) -> Reply:
        num_copies = copies()
        with ThreadPoolExecutor(num_copies) as pool:
            worst = max(pool.map(send, [asked] * num_copies), key=lambda reply: reply.status)
        if worst.status < HTTPStatus.MULTIPLE_CHOICES:
            settled(asked.body)
        return worst

    def send(asked: Asked) -> Reply:
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
