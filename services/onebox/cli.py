"""``convtailor``: one program for the whole service on this machine and for a server elsewhere."""

import importlib
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import click

from services.client.fault import UsageFault
from services.client.terminal.outcome import run_command


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a command lives, and its line in the list; nothing is imported for ``--help``."""

    place: str
    help: str


_COMMANDS = {
    "demo": _Entry(
        "services.onebox.commands.demo:demo", "See it work: handwritten digits in, a network and a mail out."
    ),
    "run": _Entry("services.onebox.commands.run:run", "Fit a network to a zip or folder, here and now."),
    "predict": _Entry("services.onebox.commands.predict:predict", "Classify pictures with a delivered network."),
    "report": _Entry("services.onebox.commands.report:report", "Make the report of a folder of results anew."),
    "compare": _Entry("services.onebox.commands.compare:compare", "Show several runs side by side."),
    "candidates": _Entry("services.onebox.commands.candidates:candidates", "List the networks that can be compared."),
    "serve": _Entry("services.onebox.commands.serve:serve", "Run the service on this machine until stopped."),
    "submit": _Entry("services.client.commands.submit:submit", "Send a zip or folder to a server."),
    "status": _Entry("services.client.commands.status:status", "Show how a job fares."),
    "jobs": _Entry("services.client.commands.jobs:jobs", "List jobs: your own, or for operators all."),
    "watch": _Entry("services.client.commands.watch:watch", "Follow a job live until it ends."),
    "fetch": _Entry("services.client.commands.fetch:fetch", "Download what a job left."),
    "retrain": _Entry(
        "services.client.commands.retrain:retrain", "Train once more from the archive of a job, with corrections."
    ),
    "cancel": _Entry(
        "services.client.commands.cancel:cancel", "Stop a job; the best network so far is still delivered."
    ),
    "admin": _Entry(
        "services.client.commands.admin:admin", "For operators: jobs, failures, disk; retry, cancel and forget jobs."
    ),
    "keys": _Entry("services.onebox.commands.keys:keys", "For operators: make, list and revoke API keys."),
    "forget": _Entry("services.onebox.commands.forget:forget", "For operators: delete what is kept of one person."),
}
_EXAMPLES = """\
Examples:
  convtailor demo
  convtailor run photos.zip
  convtailor predict results/model.h5 new/*.jpg

Exit codes: 0 done, 1 the job was rejected or failed, 2 something typed cannot be used, 3 no server answers.
"""


class _LazyGroup(click.Group):
    """Imports a command when it is called for, so that the program starts in a fraction of a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            UsageFault: If what it needs is not installed.
        """
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].place.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise UsageFault(
                "not_installed",
                f"`convtailor {cmd_name}` needs the package {error.name}, which is not installed.",
                fix="Install everything with: pip install 'convtailor[all]'",
                details={"package": error.name},
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in _COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples line by line."""
        del ctx
        formatter.write_paragraph()
        formatter.write(_EXAMPLES)


def _print_version(ctx: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if not is_wanted or ctx.resilient_parsing:
        return
    try:
        click.echo(f"convtailor {version('convtailor')}")
    except PackageNotFoundError:
        click.echo("convtailor, run from a checkout that is not installed")
    ctx.exit()


@click.group(name="convtailor", cls=_LazyGroup)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show it.")
def convtailor() -> None:
    """Labelled photographs in; a fitted network and an honest report out."""


def main() -> None:
    """Run the program; the exit code tells how it went."""
    sys.exit(run_command(convtailor, sys.argv[1:]))


if __name__ == "__main__":
    main()
