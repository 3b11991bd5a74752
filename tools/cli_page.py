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
    parts += _sections(convtailor, group)
    return "\n".join(parts)


def _sections(group: click.Group, context: click.Context) -> list[str]:
    """Return the help of every command of a group, and of groups among them."""
    parts = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            inner = click.Context(command, info_name=name, parent=context, terminal_width=_WIDTH)
            parts.append(_section(inner.command_path, command.get_help(inner)))
            if isinstance(command, click.Group):
                parts += _sections(command, inner)
    return parts


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
