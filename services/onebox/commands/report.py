"""``convtailor report``: the report of a folder of results, made anew."""

from pathlib import Path

import click

from services.client.terminal.taught_command import TaughtCommand


@click.command(cls=TaughtCommand, examples=("convtailor report results", "convtailor report results/result.json"))
@click.argument("results", type=click.Path(path_type=Path))
def report(results: Path) -> None:
    """Write report.html of RESULTS anew, from result.json and the small pictures in it.

    RESULTS is the folder that `run` or `fetch` filled; its links lead to the files that lie there now. So a folder that
    was moved, or fetched long ago, has a report that works, and an older result gets the report of this version.
    """
    from services.onebox.results.folder import read_results  # noqa: PLC0415 - brings pydantic
    from services.onebox.results.reporting import write_report  # noqa: PLC0415 - likewise

    found = read_results(results)
    click.echo(write_report(found.folder, found.result))
