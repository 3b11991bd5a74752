"""The options of a job on a command line, the same for every command that starts one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from services.client.fault import UsageFault
from shared.errors import faults_together

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: tuple[tuple[str, type, str, str], ...] = (
    ("--candidates", str, "NAMES", "Networks to compare, comma-separated; auto: all that can be had.  [default: auto]"),
    ("--max-backbones", int, "N", "Networks that may stand side by side in the one delivered.  [default: 3]"),
    ("--exhaustive", bool, "BOOL", "Whether networks without a chance get all photographs too.  [default: False]"),
    (
        "--max-parameters",
        int,
        "N",
        "Of the network, without its last layer; larger ones take no part.  [default: none]",
    ),
    (
        "--max-ms-per-image",
        float,
        "MS",
        "That the network may take for an image, on the machine that trains.  [default: none]",
    ),
    ("--levels", str, "NAME", "Stages the last layer reads: last, all, auto: the better, searched.  [default: auto]"),
    ("--views", int, "N", "2: mirror images too, unless that harms; 1: photographs alone.  [default: 2]"),
    ("--epochs", int, "N", "Epochs that a head trains where it learns by epochs.  [default: 20]"),
    ("--tune-epochs", int, "N", "Epochs of fine-tuning the winner; means --levels last.  [default: 10]"),
    ("--tune-trials", int, "N", "Recipes of hyper-parameters tried in fine-tuning.  [default: 3]"),
    ("--tune-search", str, "NAME", "How they are searched: recipe, random, tpe, genetic or cull.  [default: genetic]"),
    ("--budget-minutes", float, "M", "Hard cap on the training; then the best so far is delivered.  [default: 60]"),
    ("--max-cost", float, "C", "Hard cap on what training costs, where the service knows its price.  [default: none]"),
    ("--seed", int, "N", "Of the split, the first weights and the shuffling.  [default: 0]"),
    (
        "--group-by",
        str,
        "RULE",
        "What stays on one side: folder (inside classes), prefix (of names), or regex:PATTERN.  [default: none]",
    ),
    ("--split", str, "NAME", "own: use train, val and test as they are; new: put them together.  [default: own]"),
    (
        "--keep-photos-days",
        float,
        "D",
        "Photographs stay so long, where that is allowed, to train again on them.  [default: 0]",
    ),
    ("--language", str, "CODE", "Of report and mails: en, de or fr.  [default: en]"),
    ("--min-image-px", int, "PX", "Images with a shorter side are left out and listed.  [default: 8]"),
    (
        "--max-image-px",
        int,
        "PX",
        "Images with a longer side, once decoded, are left out and listed.  [default: 12000]",
    ),
)
"""Name, type, placeholder and help; a test compares the defaults with :class:`shared.job.options.JobOptions`."""


def job_options(command: F) -> F:
    """Add the options of a job to a command; those not given arrive as ``None``."""
    for name, kind, metavar, text in reversed(_OPTIONS):
        command = click.option(name, type=kind, metavar=metavar, help=text)(command)
    return command


def checked_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, once they make sense.

    Raises:
        UsageFault: With every fault, before anything is started or sent.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        return chosen
    from shared.job.options import parse_options  # noqa: PLC0415 - brings pydantic, which most calls can do without

    _, faults = parse_options(chosen)
    if not faults:
        return chosen
    together = faults_together(faults, code="invalid_request").fault
    fix = "Correct it and run the command again; --help shows every option."
    raise UsageFault(together.code, together.message, fix=fix, details=together.details)
