"""A command whose help ends with examples to copy."""

from collections.abc import Sequence
from typing import Any

import click


class TaughtCommand(click.Command):
    """A click command with examples.

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
