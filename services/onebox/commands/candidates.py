"""``convtailor candidates``: the networks that can be compared, and whether their weights can be had here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from services.client.terminal.outcome import print_json
from services.client.terminal.taught_command import TaughtCommand
from services.trainer.settings import TrainerSettings
from services.trainer.zoo.catalogue import BACKBONES, Backbone
from services.trainer.zoo.sources.download import is_reachable
from services.trainer.zoo.sources.mirror import Mirror, open_mirror
from services.trainer.zoo.sources.weights import Source, resolve
from shared.errors import Transient, UserFault
from shared.settings import load

_PROBE_S = 2.5
DOWNLOADABLE = "download"
ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether the weights of a network can be had on this machine.

    Args:
        backbone: The row of the catalogue.
        source: ``bundled``, ``installed``, ``mirror``, ``cache``, ``download`` or ``absent``.
        fix: What has to be done to have them, where they are absent.
    """

    backbone: Backbone
    source: str
    fix: str | None = None


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor candidates",
        "convtailor candidates --offline --json",
        "CONVTAILOR_WEIGHTS=weights convtailor candidates",
    ),
)
@click.option("--offline", is_flag=True, help="Do not ask over the network whether weights could be had.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def candidates(offline: bool, as_json: bool) -> None:
    """List the networks that `run` and `submit` can compare, and whether their weights can be had here.

    Weights come from the folder or bucket CONVTAILOR_WEIGHTS with the publishers' own files (mirror), from a Python
    package that was installed with this one (installed), from what was downloaded earlier (cache), are downloaded when
    they are needed, or come with convtailor itself (bundled). Top-1 is the accuracy on ImageNet that the publishers
    report; the licence is that of the weights.
    """
    rows = find_availability(os.environ, may_ask=not offline)
    if as_json:
        print_json({"candidates": [_document(row) for row in rows]})
        return
    console = Console()
    console.print(_table(rows))
    absent = [row for row in rows if row.source == ABSENT and row.backbone.weights_url]
    if absent:
        files = ", ".join(row.backbone.weights_file for row in absent[:3])
        console.print(
            f"{len(absent)} networks lack their weights: put Keras's own files (such as {files}) into a folder or "
            "bucket and name it in CONVTAILOR_WEIGHTS, or connect to the network.",
            highlight=False,
            markup=False,
        )
        console.print(f"{absent[0].backbone.name}: {absent[0].fix}", style="dim", highlight=False, markup=False)
    for row in rows:
        if row.source == ABSENT and row.backbone.package:
            console.print(f"{row.backbone.name}: {row.fix}", style="dim", highlight=False, markup=False)


def find_availability(environ: Mapping[str, str], *, may_ask: bool) -> list[Availability]:
    """Look for the weights of every row, as the trainer would.

    Args:
        environ: Environment of the trainer.
        may_ask: Whether questions may go over the network: one to a bucket that is the mirror, and one to the
            download server, which takes 2.5 s at most.
    """
    settings = load(TrainerSettings, environ)
    return look_for(settings, open_mirror(settings), may_ask=may_ask)


def look_for(settings: TrainerSettings, mirror: Mirror | None, *, may_ask: bool) -> list[Availability]:
    """Look for the weights of every row with the mirror open; see :func:`find_availability`."""
    sources, reasons = _search(settings, mirror, may_ask=may_ask)
    lacking = [row for name, row in BACKBONES.items() if name not in sources and row.weights_url]
    is_online = bool(
        lacking and may_ask and settings.download and is_reachable(lacking[0].weights_url or "", within_s=_PROBE_S)
    )
    return [_availability(row, sources.get(name), reasons.get(name), is_online) for name, row in BACKBONES.items()]


def _search(
    settings: TrainerSettings, mirror: Mirror | None, *, may_ask: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the source, or the reason why there is none, by name; nothing is brought over the network for that."""
    is_remote = mirror is not None and mirror.is_remote
    try:
        found = resolve(
            tuple(BACKBONES),
            mirror=None if is_remote else mirror,
            allow_download=False,
            cache_dir=settings.weights_cache_dir,
        )
        sources, reasons = {row.name: file.source.value for row, file in found.usable}, dict(found.skipped)
    except UserFault as error:  # not even the bundled one
        sources, reasons = {}, {each["name"]: each["reason"] for each in error.fault.details["skipped"]}
    if mirror is not None and is_remote:
        names, cause = _names(mirror, may_ask=may_ask)
        mend = f"put it into {mirror.address} (CONVTAILOR_WEIGHTS), or let the trainer reach the network"
        for row in (each for each in BACKBONES.values() if each.weights_url):
            if row.weights_file in names:
                sources[row.name] = Source.MIRROR.value
            else:
                reasons[row.name] = f"{row.weights_file} {cause}; {mend}"
    return sources, reasons


def _names(mirror: Mirror, *, may_ask: bool) -> tuple[frozenset[str], str]:
    """Return the files of a mirror on the network, and what is to be said of a file that is not among them."""
    if not may_ask:
        return frozenset(), f"was not looked for in {mirror.address} (--offline)"
    try:
        return mirror.names(), f"is not in {mirror.address}"
    except Transient as error:
        return frozenset(), f"could not be looked for in {mirror.address}: {error}"


def _availability(row: Backbone, source: str | None, reason: str | None, is_online: bool) -> Availability:
    if source is not None:
        return Availability(backbone=row, source=source)
    if is_online and row.weights_url:
        return Availability(backbone=row, source=DOWNLOADABLE)
    return Availability(backbone=row, source=ABSENT, fix=reason)


def _document(row: Availability) -> dict[str, Any]:
    backbone = row.backbone
    return {
        "name": backbone.name,
        "input_px": backbone.input_px,
        "parameters": backbone.parameters,
        "size_bytes": backbone.size_bytes,
        "imagenet_top1": backbone.imagenet_top1,
        "licence": backbone.licence,
        "weights": row.source,
        "weights_file": backbone.weights_file,
        "fix": row.fix,
    }


def _table(rows: list[Availability]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", style="bold", no_wrap=True)
    for heading in ("px", "parameters", "MB", "top-1"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("licence", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    for row in rows:
        backbone = row.backbone
        table.add_row(
            backbone.name,
            str(backbone.input_px),
            f"{backbone.parameters:,}",
            f"{backbone.size_bytes / 1e6:.0f}",
            f"{backbone.imagenet_top1:.1%}" if backbone.imagenet_top1 else "",
            backbone.licence,
            row.source,
            style="dim" if row.source == ABSENT else "",
        )
    return table
