"""The way to a server: its address as it was typed, and what stands in the environment about proxies."""

import httpx

from services.client.fault import UsageFault

_HERE = ("127.0.0.1", "localhost", "::1")


def checked_address(server: str) -> str:
    """Return the address of a server without what surrounds it.

    Raises:
        UsageFault: If it is none.
    """
    address = server.strip().rstrip("/")
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageFault(
            "invalid_server",
            f"{server!r} is no address of a server.",
            fix="Give --server as a URL such as http://127.0.0.1:8080.",
            details={"server": server},
        )
    return address


def open_http(address: str, *, timeout: httpx.Timeout, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return what makes requests, by the proxies that the environment names.

    A proxy can never reach this machine's own loopback, so one that cannot be used keeps nobody from a server here.

    Args:
        address: Of the server.
        timeout: Of each request.
        transport: Another way to reach it.

    Raises:
        UsageFault: If the server is elsewhere and what the environment names makes no sense.
    """
    if transport is not None:
        return httpx.Client(timeout=timeout, transport=transport, follow_redirects=True)
    direct = dict.fromkeys(f"all://{f'[{host}]' if ':' in host else host}" for host in _HERE)
    try:
        return httpx.Client(timeout=timeout, mounts=direct, follow_redirects=True)
    except (ImportError, ValueError, httpx.InvalidURL, OSError) as error:
        if httpx.URL(address).host in _HERE:
            return httpx.Client(timeout=timeout, trust_env=False, follow_redirects=True)
        raise UsageFault(
            "invalid_server",
            f"The environment names no usable way to {address}: {error}.",
            fix="Correct or unset ALL_PROXY, HTTP_PROXY, HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE; "
            "a SOCKS proxy needs: pip install 'httpx[socks]'.",
            details={"server": address},
        ) from error


def bearer(token: str) -> dict[str, str]:
    """Return the header that shows a token or an API key; ends of lines, as files bring along, are no part of it.

    Raises:
        UsageFault: If no token can look like that, such as one that was shortened with an ellipsis.
    """
    text = token.strip()
    if not text.isascii() or not text.isprintable():
        raise UsageFault(
            "token_unknown",
            "The token or key holds characters that none has.",
            fix="Copy it whole, as it was shown when it was made.",
        )
    return {"Authorization": f"Bearer {text}"}
