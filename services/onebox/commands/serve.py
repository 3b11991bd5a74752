"""``convtailor serve``: the services on this machine until somebody stops them."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from services.client.fault import ExitCode, UsageFault
from services.client.terminal.taught_command import TaughtCommand
from services.intake.settings import IntakeSettings
from services.onebox.services import Onebox
from services.onebox.stores import invalid, served_alone
from services.reporter.settings import MailCarrier, ReporterSettings
from shared.settings import InvalidSettings, load

_LOOK_EVERY_S = 0.5
_HOW_TO = """\
convtailor serves at {url}; Ctrl-C stops it. Data, logs and mails: {data}
{notes}
Open {told} in a browser, or from another terminal:
  convtailor submit photos.zip --email you@example.org --server {told}
  convtailor watch && convtailor fetch --out results

Or with curl:
  curl -s {told}/v1/jobs -H 'Content-Type: application/json' -d '{{"email": "you@example.org"}}' | tee job.json
  curl -s -T photos.zip -H 'Content-Type: application/zip' "$(python3 -c 'import json; print(json.load(open("job.json"))["upload"]["url"])')"
  curl -s -H "Authorization: Bearer $(python3 -c 'import json; print(json.load(open("job.json"))["token"])')" \\
    "$(python3 -c 'import json; print(json.load(open("job.json"))["status_url"])')"
"""  # noqa: E501 - a command line to copy
_ELSEWHERE = """\
Other machines, and links in mails, use {public_url}. Where that does not lead here, as in a container or behind a
router, name the address that does with --public-url.
"""
_NOT_MAILED = """\
Mails are written into a folder and reach nobody; CONVTAILOR_MAILER=smtp, with CONVTAILOR_SMTP_HOST, sends them.
"""
_KEYS_ONLY = """\
Jobs are taken of those with an API key only; this makes one: convtailor keys --new NAME --data {data}
"""


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor serve",
        "convtailor serve --port 0",
        "convtailor serve --host 0.0.0.0 --port 8080 --data /srv/convtailor",
        "convtailor serve --host 0.0.0.0 --public-url http://photos.example.org:8080",
        "convtailor serve --host 0.0.0.0 --require-key --keep-days 7 --max-jobs 200",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 opens it to all.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option(
    "--public-url",
    envvar="CONVTAILOR_PUBLIC_URL",
    metavar="URL",
    help="Address under which others reach this server, where it cannot know: in a container, behind a router.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="CONVTAILOR_DATA_DIR",
    default=Path("convtailor-data"),
    show_default=True,
    metavar="DIR",
    help="Folder for jobs, archives, networks, mails and logs; it survives restarts.  [CONVTAILOR_DATA_DIR]",
)
@click.option("--require-key", is_flag=True, help="Take jobs of those with an API key only; see convtailor keys.")
@click.option(
    "--keep-days",
    type=click.FloatRange(0, 365, min_open=True),
    metavar="DAYS",
    help="How long networks and reports are kept after the end of a job; 30 unless told.",
)
@click.option(
    "--max-jobs",
    type=click.IntRange(1, 100_000),
    metavar="NUMBER",
    help="Take no more jobs while so many are open; no limit unless told.",
)
@click.option(
    "--trainers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Jobs trained at a time, each by a process of its own with its share of the cores, and all of its memory.",
)
def serve(host: str, port: int, public_url: str | None, data: Path, trainers: int, **limits: Any) -> int:
    """Run intake, trainer and reporter on this machine until stopped.

    A job that was under way when the service stopped is carried on at the next start with the same folder.
    """
    _check_free(host, port)
    environ = {**os.environ, "CONVTAILOR_PUBLIC_URL": _checked(public_url)}
    environ |= chosen(**limits)
    known = notes_on(environ, data)
    with served_alone(data), Onebox(data, environ, host=host, port=port, num_trainers=trainers) as box:
        try:
            url = box.wait_ready()
            elsewhere = "" if box.public_url == url else _ELSEWHERE.format(public_url=box.public_url)
            told = box.public_url if public_url else url
            click.echo(_HOW_TO.format(url=url, told=told, data=box.data_dir, notes=elsewhere + known))
            while True:
                box.wait(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            click.echo("Stopping; jobs under way go on at the next start.", err=True)
    return ExitCode.DONE


def chosen(*, require_key: bool, keep_days: float | None, max_jobs: int | None = None) -> dict[str, str]:
    """Return the variables of the services that options stand for; what was not given is left to the environment."""
    variables = {}
    if require_key:
        variables["CONVTAILOR_REQUIRE_KEY"] = "true"
    if keep_days is not None:
        variables["CONVTAILOR_ARTEFACT_DAYS"] = f"{keep_days:g}"
    if max_jobs is not None:
        variables["CONVTAILOR_MAX_JOBS"] = str(max_jobs)
    return variables


def notes_on(environ: Mapping[str, str], data: Path) -> str:
    """Return what an operator should know of the services before anybody submits.

    Args:
        environ: Variables of the services.
        data: Their folder.

    Raises:
        UsageFault: If a variable of theirs cannot be read.
    """
    try:
        reporter, intake = load(ReporterSettings, environ), load(IntakeSettings, environ)
    except InvalidSettings as error:
        raise invalid(error) from error
    notes = _NOT_MAILED if reporter.mailer is MailCarrier.OUTBOX else ""
    return notes + (_KEYS_ONLY.format(data=data) if intake.require_key else "")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of brackets and ports
        return False
    return is_whole and not parts.query and not parts.fragment


def _checked(public_url: str | None) -> str:
    """Return the address as services take it, empty where there is none.

    Raises:
        UsageFault: If it is no URL.
    """
    if public_url and not _is_address(public_url):
        raise UsageFault(
            "invalid_public_url",
            f"{public_url!r} is no address at which a server could be reached.",
            fix="Give --public-url as a URL such as http://photos.example.org:8080.",
            details={"public_url": public_url},
        )
    return public_url or ""


def _check_free(host: str, port: int) -> None:
    """Tell at once that an address cannot be had, rather than after a service has died of it.

    Raises:
        UsageFault: If it is taken, or none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        raise UsageFault(
            "address_unusable",
            f"Cannot listen at {host}:{port}: {error.strerror or error}.",
            fix="Choose another --port (0 picks a free one) or a --host of this machine.",
            details={"host": host, "port": port},
        ) from error
