"""``python -m services.intake``: read the environment, listen, serve."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.intake.bootstrap import bootstrap
from services.intake.settings import AUTO_URL, IntakeSettings
from shared.adapters.embedded.signed_url import OBJECTS_PATH
from shared.logs import start_logging
from shared.process.privacy import keep_files_private
from shared.settings import InvalidSettings, load
from shared.web.address import PublicAddress, far_url, own_names, own_url
from shared.web.limits import Limits
from shared.web.server import Served, ServerRules, listen, serve

EXIT_USAGE = 2
EXIT_UNREACHABLE = 3


def main(environ: Mapping[str, str]) -> int:
    """Run intake until it is told to stop.

    Args:
        environ: The environment.

    Returns:
        2 if the environment has faults, 3 if the address or a back-end cannot be had; a stop in good order exits
        with 0.
    """
    keep_files_private()
    try:
        settings = load(IntakeSettings, environ)
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    start_logging(settings.log_level, "intake")
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        sys.stderr.write(
            f"cannot listen at {settings.host}:{settings.port}: {error.strerror or error}; "
            "set CONVTAILOR_HOST and CONVTAILOR_PORT to an address that is free (port 0 picks one)\n"
        )
        return EXIT_UNREACHABLE
    place = _place_of(listener, settings)
    _forget_readiness(settings.ready_file)
    return serve(listener, lambda: _built(settings, place), _rules(settings))


def _rules(settings: IntakeSettings) -> ServerRules:
    limits = Limits(
        stall_s=settings.stall_s,
        min_bytes_per_s=settings.min_bytes_per_s,
        num_transfers=settings.transfer_threads,
        transfer_path=OBJECTS_PATH,
    )
    return ServerRules(num_threads=settings.request_threads, stop_grace_s=settings.stop_grace_s, limits=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the service is reached: from this machine, and by people."""

    own_url: str
    address: PublicAddress


def _place_of(listener: socket.socket, settings: IntakeSettings) -> _Place:
    told = settings.public_url.rstrip("/")
    if told == AUTO_URL:
        address = PublicAddress(url=far_url(listener), names=own_names(listener))
    else:
        # Google's back-end is asked by its own names too, such as that of Cloud Run, and takes nobody for a neighbour.
        is_near = settings.backend == "embedded"
        served = own_names(listener) | {(urlsplit(told).hostname or "").lower()} if is_near else None
        address = PublicAddress(url=told, served=served)
    return _Place(own_url=own_url(listener), address=address)


def _built(settings: IntakeSettings, place: _Place) -> Served:
    """Return the app with its background work, telling the world when it serves."""
    service = bootstrap(settings, address=place.address)

    def start() -> None:
        service.background.start()
        _tell_readiness(settings.ready_file, place)

    return Served(app=service.app, start=start, stop=service.background.stop)


def _tell_readiness(path: Path | None, place: _Place) -> None:
    """Write where the service answers, in one step: a reader sees the whole document or none."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    told = {"url": place.own_url, "public_url": place.address.url}
    temporary.write_text(json.dumps(told) + "\n", encoding="utf-8")
    temporary.replace(path)


def _forget_readiness(path: Path | None) -> None:
    """Remove what a predecessor wrote."""
    if path is not None:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(os.environ))
