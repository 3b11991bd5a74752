"""``convtailor keys``: API keys of a service: makes, lists and revokes them, in its store itself."""

import os
from dataclasses import replace
from pathlib import Path

import click

from services.client.fault import ExitCode, Unreachable, UsageFault
from services.client.terminal.outcome import print_text
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.stores import invalid, opened
from shared.access.api_key import ApiKey, drawn_key, revoked
from shared.clock import utc_now
from shared.errors import Transient
from shared.ports.access_store import AccessStore
from shared.settings import InvalidSettings, Settings, load
from shared.text.printable import printable_name

_NOBODY = "There is no key yet: convtailor keys --new NAME makes one."


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor keys",
        "convtailor keys --new 'nightly build of Ada' --jobs-per-day 20",
        "convtailor keys --revoke 3f0a51c2d4e6 --data /srv/convtailor",
    ),
)
@click.option("--new", "name", metavar="NAME", help="Make a key and show it, this once; NAME says whose it is.")
@click.option("--revoke", "key_id", metavar="ID", help="Have a key open nothing any more.")
@click.option("--jobs-per-day", type=click.IntRange(min=0), default=0, show_default=True, help="0: no limit.")
@click.option("--bytes-per-day", type=click.IntRange(min=0), default=0, show_default=True, help="0: no limit.")
@click.option(
    "--operator", "is_operator", is_flag=True, help="Let the new key open what only operators may see and do."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the service on this machine; CONVTAILOR_DATA_DIR or convtailor-data where it is left out.",
)
def keys(
    name: str | None, key_id: str | None, jobs_per_day: int, bytes_per_day: int, is_operator: bool, data: Path | None
) -> int:
    """List the API keys of a service, make one with --new, or end one with --revoke.

    For operators: it works on the store itself, the one that the CONVTAILOR_ variables of the services name. Whoever
    submits with a key (convtailor submit --key, or CONVTAILOR_API_KEY) needs not confirm an address by a click.
    """
    store = _opened(data)
    try:
        if name is not None:
            text, key = drawn_key(
                name, utc_now(), jobs_per_day=jobs_per_day, bytes_per_day=bytes_per_day, is_operator=is_operator
            )
            store.put_key(key)
            click.echo(text)
            click.echo(f"Key {key.key_id} of {printable_name(name)}; it is shown this once.", err=True)
        elif key_id is not None:
            store.put_key(revoked(_found(store, key_id), utc_now()))
            print_text(f"Key {key_id} opens nothing any more.")
        else:
            print_text("\n".join(_line(key) for key in store.all_keys()) or _NOBODY)
    except Transient as error:
        raise Unreachable(f"The store does not answer: {error}", fix="Run it again.") from error
    return ExitCode.DONE


def _found(store: AccessStore, key_id: str) -> ApiKey:
    found = next((key for key in store.all_keys() if key.key_id == key_id), None)
    if found is None:
        raise UsageFault("key_unknown", f"There is no key {key_id!r}.", fix="convtailor keys lists them.")
    return found


def _line(key: ApiKey) -> str:
    limits = [
        f"{most:,} {what} a day" for most, what in ((key.jobs_per_day, "jobs"), (key.bytes_per_day, "bytes")) if most
    ]
    state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else f"since {key.created_at:%Y-%m-%d}"
    words = [key.key_id, printable_name(key.name), state, *limits, *(["operator"] if key.is_operator else [])]
    return "  ".join(words)


def _opened(data: Path | None) -> AccessStore:
    try:
        settings = load(Settings, os.environ)
    except InvalidSettings as error:
        raise invalid(error) from error
    if data is not None:
        settings = replace(settings, backend="embedded", data_dir=data)
    return opened(settings).access_store
