"""``python -m tools.cli_page`` writes ``docs/cli.md`` from the program's own help; a test compares."""

from pathlib import Path

import click

from services.onebox.cli import convtailor

TARGET = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
_WIDTH = 100
_HEAD = """\
# The command line

Generated from `--help` by `python -m tools.cli_page`.
"""


def page() -> str:
    """Return the help of the program and of every command as Markdown."""
    group = click.Context(convtailor, info_name="convtailor", terminal_width=_WIDTH, max_content_width=_WIDTH)
    parts = [_HEAD, _section("convtailor", convtailor.get_help(group))]
    for name in convtailor.list_commands(group):
        command = convtailor.get_command(group, name)
        if command is not None:
            context = click.Context(command, info_name=name, parent=group, terminal_width=_WIDTH)
            parts.append(_section(f"convtailor {name}", command.get_help(context)))
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
