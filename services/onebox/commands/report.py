"""``convtailor report``: the report of a folder of results, made anew."""

from pathlib import Path

import click

from services.client.terminal.taught_command import TaughtCommand
from shared.language.catalogue import LANGUAGES, Language


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor report results",
        "convtailor report results/result.json",
        "convtailor report results --language de",
    ),
)
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    help="Of the report.  [default: that of the report which lies there, or en]",
)
def report(results: Path, language: str | None) -> None:
    """Write report.html of RESULTS anew, from result.json and the small pictures in it.

    RESULTS is the folder that `run` or `fetch` filled; its links lead to the files that lie there now. So a folder that
    was moved, or fetched long ago, has a report that works, and an older result gets the report of this version.
    """
    from services.onebox.results.folder import read_results  # noqa: PLC0415 - brings pydantic
    from services.onebox.results.reporting import write_report  # noqa: PLC0415 - likewise

    found = read_results(results)
    click.echo(write_report(found.folder, found.result, None if language is None else Language(language)))
