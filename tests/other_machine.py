"""Another machine of the network: a network namespace with a cable to this one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

NAME = f"convtailor{os.getpid() % 10_000}"
_NET = f"10.{200 + os.getpid() // 250 % 50}.{os.getpid() % 250}"
HERE, THERE = f"{_NET}.1", f"{_NET}.2"
"""Addresses of this machine and of the other on their cable, which no test beside this one has."""
IP = shutil.which("ip", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")


def on_it(*words: str) -> list[str]:
    """Return the command line that runs a program on the other machine."""
    return [str(IP), "netns", "exec", NAME, *words]


@contextmanager
def other_machine() -> Iterator[bool]:
    """Lay the cable while the block lasts; answer whether that was possible."""
    near, far = f"ct{os.getpid() % 10_000}a", f"ct{os.getpid() % 10_000}b"
    try:
        yield all(
            _run(*words.split())
            for words in (
                f"netns add {NAME}",
                f"link add {near} type veth peer name {far} netns {NAME}",
                f"addr add {HERE}/30 dev {near}",
                f"link set {near} up",
                f"-n {NAME} addr add {THERE}/30 dev {far}",
                f"-n {NAME} link set {far} up",
                f"-n {NAME} link set lo up",
            )
        )
    finally:
        _run("netns", "delete", NAME)
        _run("link", "delete", near)


def _run(*words: str) -> bool:
    """Run a command of ``ip``; answer whether it went well."""
    return IP is not None and subprocess.run([IP, *words], capture_output=True, check=False).returncode == 0
