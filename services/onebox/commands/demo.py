"""``convtailor demo``: the whole service at work on handwritten digits, with no network."""

import os
import shutil
import sys
from pathlib import Path

import click

from services.client.terminal.taught_command import TaughtCommand
from services.onebox.commands.run import show_delivery
from services.onebox.scratch_folder import started_services

_OPTIONS = {"candidates": "tiny,efficientnet_lite0"}
_OFFLINE = {"CONVTAILOR_DOWNLOAD": "false"}
_NAME = "convtailor"
_EMAIL = "you@example.org"


@click.command(cls=TaughtCommand, examples=("convtailor demo", "convtailor demo --out /tmp/demo --keep"))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for data and results.",
)
@click.option("--keep", is_flag=True, help="Keep logs, stores and mails of the services too, in DIR/services.")
def demo(out: Path, keep: bool) -> None:
    """See convtailor do all of it, offline: 1,777 handwritten digits in, a network, a report and a mail out.

    The digits come with scikit-learn. Two pre-trained networks are compared: `tiny`, which is part of this package, and
    an EfficientNet-Lite0 with ImageNet weights, which was installed with it. The digits go as a zip through the same
    services, messages and states that serve a real job; at the end a few digits that the network never saw are
    classified with the delivered model.h5.
    """
    with started_services(out, {**os.environ, **_OFFLINE}, keep=out / "services" if keep else None) as box:
        # A second of imports that passes while the services start.
        from services.client.terminal.live import open_live  # noqa: PLC0415
        from services.onebox.digit_table import show_digits  # noqa: PLC0415
        from services.onebox.digits import HeldBack, write_digits  # noqa: PLC0415
        from services.onebox.single_run import RunOrder, run_job  # noqa: PLC0415

        archive = out / "digits.zip"
        held_back: list[HeldBack] = []

        def make_archive() -> Path:
            held_back.extend(write_digits(archive, out / "held-back"))
            return archive

        with open_live() as live:
            order = RunOrder(make_archive=make_archive, email=_EMAIL, out=out, options=_OPTIONS)
            files = run_job(order, box, live).files
    show_delivery(files)
    show_digits(files["model"], held_back)
    click.echo("\nNow with your own photographs, one folder per class:")
    click.echo(f"  {own_name()} run photos/")


def own_name() -> str:
    """Return what to type for this program: its name, or where it was started from if the shell would not find that."""
    started_by = sys.argv[0]
    is_lost = Path(started_by).name == _NAME and shutil.which(_NAME) is None
    return started_by if is_lost else _NAME
