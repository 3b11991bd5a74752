"""Commands, and groups of them, whose help ends with examples to copy."""

from collections.abc import Sequence
from typing import Any

import click


class _Taught(click.Command):
    """Has examples.

    Args:
        examples: Command lines, each of which works as it stands on somebody's machine.
        arguments: As for :class:`click.Command`.
    """

    def __init__(self, *, examples: Sequence[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples line by line, never rewrapped."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class TaughtCommand(_Taught):
    """A click command with examples."""


class TaughtGroup(_Taught, click.Group):
    """A group of click commands with examples; they are listed in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self.commands)
