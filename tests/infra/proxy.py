"""Debian's nginx, set up as infra/lab says, at free ports, in front of a service; HTTPS by a key made here."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "infra" / "lab" / "nginx.conf"
PREFIX = "/convtailor"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
needs_nginx = pytest.mark.skipif(not NGINX or not shutil.which("openssl"), reason="needs nginx and openssl")
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running nginx.

    Args:
        url: Where people reach the service.
        plain_url: The same place without HTTPS.
        certificate: To be trusted.
        folder: Where its files lie.
    """

    url: str
    plain_url: str
    certificate: Path
    folder: Path

    @property
    def trust(self) -> ssl.SSLContext:
        """Trusts this proxy and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate))


def free_ports(num_ports: int) -> list[int]:
    """Return ports that nobody has now."""
    listeners = [socket.create_server(("0.0.0.0", 0)) for _ in range(num_ports)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def proxy(folder: Path, *, host: str, ports: tuple[int, int], upstream: str) -> Iterator[Proxy]:
    """Serve while the block lasts.

    Args:
        folder: For its files.
        host: Address under which it is reached.
        ports: At which it listens without HTTPS, and with.
        upstream: Address of the service.
    """
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    _certify(certificate, key, host)
    main = folder / "nginx.conf"
    main.write_text(_around(folder, _adapted(folder, ports, upstream)), encoding="utf-8")
    with (folder / "nginx.log").open("ab") as log:
        process = subprocess.Popen([str(NGINX), "-p", folder, "-c", main], stderr=log, stdin=subprocess.DEVNULL)
    try:
        told = folder / "nginx.log"
        until((folder / "nginx.pid").exists, tell=lambda: told.read_text(encoding="utf-8"))
        urls = (f"http://{host}:{ports[0]}{PREFIX}", f"https://{host}:{ports[1]}{PREFIX}")
        yield Proxy(plain_url=urls[0], url=urls[1], certificate=certificate, folder=folder)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _certify(certificate: Path, key: Path, host: str) -> None:
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=IP:{host}", "-addext", "basicConstraints=CA:TRUE"]
    command = ["openssl", "req", "-x509", *kind, *names, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)


def _adapted(folder: Path, ports: tuple[int, int], upstream: str) -> str:
    """Return the configuration for these places; all else is as it is handed to people."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    changes = {
        r"listen \[::\].*\n": "",
        r"listen 80;": f"listen {ports[0]};",
        r"listen 443 ssl;": f"listen {ports[1]} ssl;",
        r"/etc/ssl/convtailor": str(folder),
        r"http://127\.0\.0\.1:8080/": f"{upstream}/",
        r"https://\$host\$": f"https://$host:{ports[1]}$",
    }
    for old, new in changes.items():
        text, num_found = re.subn(old, new.replace("\\", "\\\\"), text)
        assert num_found, old
    return text


def _around(folder: Path, server: str) -> str:
    """Return what Debian's own nginx.conf has around a server, with all files in one folder."""
    places = "".join(f"{name}_temp_path {folder}/{name};\n" for name in _TEMPORARY)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
        f"events {{ worker_connections 128; }}\nhttp {{\naccess_log off;\n{places}{server}}}\n"
    )
