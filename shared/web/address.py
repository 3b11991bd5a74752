"""Under which addresses a listening socket is reached: from this machine, from others, and by a request that came."""

import contextlib
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_FAR_AWAY = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses for documentation, at which nobody is. Source: RFC 5737, RFC 3849."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddress:
    """Under which address people reach a service.

    Where an operator has named it, that one always. Else the one that a request came to: its own ``Host``, so that
    names, tunnels and forwarded ports work, but only where that is a name or an address of this machine, since whoever
    asks can write anything there; otherwise the address at which the connection arrived.

    Args:
        url: What the operator has named, or what is told where no request came; without a slash at its end.
        names: By which requests may call this machine, in small letters; ``None`` where the operator has named one.
        served: Names to which requests are answered at all, in small letters; ``None``: to any.
    """

    url: str
    names: frozenset[str] | None = None
    served: frozenset[str] | None = None

    def of_request(self, environ: Mapping[str, Any]) -> str:
        """Return the address to be told in answer to a request, given what WSGI says of it."""
        if self.names is None:
            return self.url
        arrived_at = str(environ["SERVER_NAME"]).lower()
        host = _HOST.fullmatch(environ.get("HTTP_HOST", ""))
        name = host[1].strip("[]").lower() if host else ""
        if host and (name == arrived_at or name in self.names):
            return f"http://{host[0]}"
        return url_at(arrived_at, int(environ["SERVER_PORT"]))

    def is_served(self, host: str) -> bool:
        """Tell whether a request of this ``Host`` is answered.

        A page of a stranger's whose name has been made to lead here would else read what only this network may see. No
        stranger has a name without a dot, or a mere address, so those that a house has are served whatever they are.
        """
        if self.served is None or not host:
            return True
        found = _HOST.fullmatch(host)
        name = found[1].strip("[]").lower().rstrip(".") if found else host
        is_near = found is not None and ("." not in name or _is_address(name))
        return is_near or name in self.served

    @property
    def root(self) -> str:
        """Path at which the service begins, without a slash at its end; a proxy may serve it below one."""
        return urlsplit(self.url).path.rstrip("/")

    def path_of(self, url: str) -> str | None:
        """Return what of a URL comes after our own address; ``None`` if it leads elsewhere."""
        return url.removeprefix(self.url) if url.startswith(f"{self.url}/") else None


def url_at(host: str, port: int) -> str:
    """Return the URL of a host, a name or an address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def own_url(listener: socket.socket) -> str:
    """Return the URL under which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    return url_at(_LOOPBACK[listener.family] if _is_any(host) else host, port)


def far_url(listener: socket.socket) -> str:
    """Return the URL under which other machines reach a listening socket, as far as this one can know.

    A machine with several networks has more addresses than this one, and a container is reached at its host's.
    """
    host, port = listener.getsockname()[:2]
    if not _is_any(host):
        return url_at(host, port)
    return url_at(_outward_address(listener.family) or _LOOPBACK[listener.family], port)


def own_names(listener: socket.socket) -> frozenset[str]:
    """Return the names, and the addresses that no connection tells, by which requests may call a listening socket."""
    host = listener.getsockname()[0]
    names = {host}
    if _is_any(host) or ipaddress.ip_address(host).is_loopback:
        names |= {"localhost", _LOOPBACK[listener.family]}
    if not ipaddress.ip_address(host).is_loopback:
        machine = socket.gethostname().lower()
        names |= {machine, f"{machine}.local"}
    return frozenset(names)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_any(host: str) -> bool:
    return ipaddress.ip_address(host).is_unspecified


def _outward_address(family: int) -> str | None:
    """Return the address from which this machine would speak to one far away; nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_FAR_AWAY[socket.AddressFamily(family)], 9))
        address: str = probe.getsockname()[0]
        return None if _is_any(address) else address
    return None
