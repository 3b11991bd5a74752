"""The outermost layer of the command line: every error becomes one clear text or JSON document, and an exit code."""

import io
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn

import click

from services.client.fault import ExitCode, Interrupted, UsageFault, exit_code_of, fault_of
from shared.errors import ConvtailorError, Fault, UserFault
from shared.text.bound import first_entries
from shared.text.printable import printable, printable_name, shortened

JSON_FLAG = "--json"
_MOST_SHOWN = 12
_MOST_CHARS = 160
"""Of a place: two lines of a terminal; ``--json`` tells it whole."""


def run_command(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; what goes wrong is told, never raised.

    Args:
        command: The program.
        arguments: Without the program's name.
    """
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # so nohup has it, that a run outlives its terminal
            signal.signal(number, _terminate)
    _show_every_name()
    as_json = JSON_FLAG in arguments
    try:
        code = command.main(list(arguments), prog_name=command.name, standalone_mode=False)
    except click.ClickException as error:
        return _tell_usage(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        message = "Interrupted."
        return _tell(Interrupted("interrupted", message, fix="Run the command again."), as_json=as_json)
    except ConvtailorError as error:
        return _tell(error, as_json=as_json)
    except OSError as error:
        return _tell(_of_system(error), as_json=as_json)
    except Exception as error:  # the outermost loop: a person gets a sentence, a developer the traceback
        if os.environ.get("CONVTAILOR_LOG_LEVEL") == "DEBUG":
            raise
        return _tell(_of_bug(error), as_json=as_json)
    return code if isinstance(code, int) else ExitCode.DONE


def print_json(document: Mapping[str, Any]) -> None:
    """Write the one document of a command to standard output, in ASCII so that every pipe carries it."""
    click.echo(json.dumps(document, indent=2))


def print_text(text: str) -> None:
    """Write lines to standard output; what a server or an archive named acts on no terminal."""
    click.echo(printable(text))


def confirm(question: str) -> None:
    """Ask on standard error before something is deleted.

    Raises:
        UserFault: ``nothing_deleted``, if the answer is no, or there is nobody to give one.
    """
    try:
        is_wanted = click.confirm(question, err=True)
    except click.Abort:
        is_wanted = False
    if not is_wanted:
        raise UserFault("nothing_deleted", "Nothing was deleted.", fix="Answer y, or pass --yes.")


def _show_every_name() -> None:
    """Have a terminal or file whose encoding lacks the letters of a name get escapes in their place."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        with suppress(OSError):  # of streams that were exchanged for others below Python
            sys.stdout.reconfigure(errors="backslashreplace")


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave through every ``finally``, so that nothing stays behind."""
    sys.exit(ExitCode.TERMINATED)


def _tell(error: ConvtailorError, *, as_json: bool) -> int:
    fault = fault_of(error)
    if as_json:
        print_json({"error": asdict(fault)})
    else:
        is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        message = f"convtailor: {printable(fault.message)}"
        click.echo(message if is_plain else click.style(message, fg="red"), err=True)
        for line in _explanation(fault):
            click.echo(f"  {printable(line)}", err=True)
    return exit_code_of(error)


def _tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    if as_json:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "convtailor"
        return _tell(UsageFault("usage", error.format_message(), fix=f"See `{path} --help`."), as_json=True)
    error.show()
    return ExitCode.USAGE


def _explanation(fault: Fault) -> list[str]:
    """Return the fix and the places, a line each."""
    lines = [f"Fix: {fault.fix}"] if fault.fix else []
    lines.append(f"Code: {fault.code}")
    for name, value in fault.details.items():
        entries = _entries(value)
        if name == "faults" and len(entries) == 1:  # the message again
            continue
        lines.extend(f"{name}: {_entry(entry)}" for entry in first_entries(entries, _MOST_SHOWN))
    return lines


def _entries(value: object) -> Sequence[object]:
    """Return what a detail holds, of an object its pairs; a line each."""
    if isinstance(value, Mapping):
        return [entry if key == "…" else f"{shortened(str(key), _MOST_CHARS)} {entry}" for key, entry in value.items()]
    return value if isinstance(value, list | tuple) else [value]


def _entry(value: object) -> str:
    if isinstance(value, Mapping) and "message" in value:
        return str(value["message"])
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {entry}" for key, entry in value.items())
    return shortened(printable_name(str(value)), _MOST_CHARS)


def _of_system(error: OSError) -> ConvtailorError:
    place = f"{error.filename}: " if error.filename else ""
    return UsageFault(
        "file_error",
        f"{place}{error.strerror or error}.",
        fix="Check that the path exists, may be written, and that its disk has room.",
        details={"path": str(error.filename)} if error.filename else {},
    )


def _of_bug(error: Exception) -> ConvtailorError:
    return ConvtailorError(f"{type(error).__name__}: {error}. CONVTAILOR_LOG_LEVEL=DEBUG shows where it happened")
