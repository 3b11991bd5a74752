"""A result as a person reads it on a terminal."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.client.terminal.stage import listed
from shared.job.findings.growth import Growth
from shared.job.findings.photographs import Duplicates
from shared.job.findings.training import CandidateResult
from shared.job.findings.verdict import Grade
from shared.job.job import TrialState
from shared.job.result import Result
from shared.job.verdict.rule import WORDS, verdict_of
from shared.json_codec import from_json
from shared.text.printable import printable_name
from shared.wording import count, duration, percent

_MAX_CLASSES = 30
_MAX_PATHS = 4
_MAX_SKIPPED = 3
"""Networks that took no part and are named each."""
_NO_REASON = "no reason was recorded"
_STYLES = {
    Grade.DO_NOT_USE: "bold red",
    Grade.CHECK_EVERY_ANSWER: "bold yellow",
    Grade.USABLE_WITH_REVIEW: "bold",
    Grade.GOOD: "bold green",
}


def read_result(file: Path) -> Result:
    """Read a ``result.json``."""
    return from_json(Result, json.loads(file.read_text(encoding="utf-8")))


def print_summary(result: Result, console: Console) -> None:
    """Print the winner, every candidate, every class and what was left out."""
    low, high = result.test.interval
    verdict = verdict_of(result)
    console.print()
    console.print(f"{WORDS[verdict.grade]}.", style=_STYLES[verdict.grade], highlight=False)
    console.print(printable_name(verdict.reason), highlight=False, markup=False)
    console.print(
        Text.assemble(
            (f"{printable_name(result.winner)}: {percent(result.test.accuracy, 1)} right", "bold"),
            f" on {result.test.num_images} held-back images (95 % interval {percent(low, 1)} to {percent(high, 1)})",
        ),
        soft_wrap=True,
    )
    console.print(_circumstances(result), style="dim", highlight=False, soft_wrap=True)
    console.print()
    console.print(_candidate_table(result))
    console.print(_class_table(result))
    for line in (*_took_no_part(result), *_advice(result), *_remarks(result)):
        console.print(printable_name(line), highlight=False, markup=False, soft_wrap=True)


def print_files(files: Mapping[str, Path], console: Console) -> None:
    """Print where the files lie, one a line, whole, so that a path can be copied."""
    widest = max(map(len, files), default=0)
    for name, path in files.items():
        line = f"{name:<{widest}} {printable_name(str(path.resolve()))}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _circumstances(result: Result) -> str:
    counts = result.counts
    return listed(
        [
            f"{counts.train} images to train, {counts.validation} to choose, {counts.test} to test",
            f"{len(result.classes)} classes",
            duration(result.timings_s.total),
            result.device,
            f"stopped early: {result.stopped_because}" if result.stopped_because else "",
        ]
    )


def _candidate_table(result: Result) -> Table:
    table = Table(title="Candidates", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", overflow="fold", no_wrap=False)
    is_cross_validated = any(each.cross_validation is not None for each in result.candidates)
    judged = "cross-validated" if is_cross_validated else "validation"
    for heading in (judged, "training", "parameters", "time"):
        table.add_column(heading, justify="right")
    table.add_column("", overflow="fold")
    compared = [each for each in result.candidates if each.state is not TrialState.SKIPPED]
    for candidate in sorted(compared, key=lambda each: (each.name != result.winner, -(each.val_accuracy or -1.0))):
        is_winner = candidate.name == result.winner
        table.add_row(*_candidate_row(candidate, is_winner=is_winner))
        if is_winner and result.tuning is not None and result.tuning.best_epoch:
            tuning, seconds = result.tuning, duration(result.timings_s.tune)
            table.add_row("  fine-tuned", _share(tuning.val_accuracy), _share(tuning.train_accuracy), "", seconds, "")
        if is_winner and result.mirroring is not None and result.mirroring.is_used:
            mirrored, seconds = result.mirroring.judged, duration(result.timings_s.tune)
            table.add_row("  with mirror images", _share(mirrored.accuracy), "", "", seconds, "")
    return table


def _candidate_row(candidate: CandidateResult, *, is_winner: bool) -> tuple[Text | str, ...]:
    style = "bold" if is_winner else "" if candidate.state is TrialState.DONE else "dim"
    note = "winner" if is_winner else candidate.skipped_because or ""
    return (
        Text(printable_name(candidate.name), style=style),
        _share(candidate.val_accuracy),
        _share(candidate.train_accuracy),
        f"{candidate.parameters:,}" if candidate.parameters else "",
        duration(candidate.seconds) if candidate.seconds else "",
        Text(printable_name(note), style=style),
    )


def _took_no_part(result: Result) -> list[str]:
    """Return who was not compared: a few by name, and dozens in a line, for most of them have the same reason."""
    skipped = [each for each in result.candidates if each.state is TrialState.SKIPPED]
    left = [each for each in skipped if each.foretold is not None]
    others = [each for each in skipped if each.foretold is None]
    lines = [f"{each.name} left early: {each.skipped_because}." for each in left]
    if len(others) <= _MAX_SKIPPED:
        return [*lines, *(f"{each.name} was not compared: {each.skipped_because or _NO_REASON}" for each in others)]
    reasons = Counter((each.skipped_because or _NO_REASON).partition(";")[0] for each in others)
    mostly = "" if len(reasons) == 1 else "mostly "
    told = f"{len(others)} networks were not compared, {mostly}because: {reasons.most_common(1)[0][0]}."
    return [*lines, f"{told} The report says why of each, and what helps."]


def _class_table(result: Result) -> Table:
    scores = result.test.per_class
    title = "Classes, on the held-back images"
    if len(scores) > _MAX_CLASSES:
        title += f"; the {_MAX_CLASSES} with the lowest F1 of {len(scores)}"
        scores = tuple(sorted(scores, key=lambda score: score.f1)[:_MAX_CLASSES])
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", overflow="fold")
    for heading in ("precision", "recall", "F1", "images"):
        table.add_column(heading, justify="right")
    for score in scores:
        shares = (f"{value:.2f}" for value in (score.precision, score.recall, score.f1))
        table.add_row(Text(printable_name(score.name)), *shares, str(score.num_images))
    return table


def _advice(result: Result) -> list[str]:
    """Return what to do next, a line for each question that the result answers."""
    lines = []
    suspects, certainty, growth = result.suspects, result.certainty, result.growth
    is_usable = verdict_of(result).grade is not Grade.DO_NOT_USE
    if is_usable and certainty is not None and certainty.threshold and certainty.tested is not None:
        lines.append(
            f"Answer only above {percent(certainty.threshold)}: of the held-back images "
            f"{percent(certainty.tested.answered)} would be answered, "
            f"{percent(certainty.tested.right)} of that rightly."
        )
    if suspects is not None and suspects.num_likely:
        first = suspects.listed[0]
        lines.append(
            f"{suspects.num_likely} of {suspects.num_examined} images may lie in the wrong folder, such as "
            f"{first.path}: filed as {first.filed_as}, rather {first.looks_like}."
        )
    if suspects is not None and suspects.num_twins:
        lines.append(f"Near-copies in several classes: {', '.join(suspects.twins[0].paths[:_MAX_PATHS])}.")
    return [*lines, *_to_collect(growth)]


def _to_collect(growth: Growth | None) -> list[str]:
    """Return what to collect, with what it would bring, if any class is not found always."""
    weak = [each for each in growth.classes if each.found < 1] if growth is not None else []
    if growth is None or not weak:
        return []
    now, doubled = growth.points[-1].accuracy, growth.doubled.accuracy
    would = f"Twice as many images would bring about {percent(doubled)} instead of {percent(now)}; "
    is_gain = doubled > now and percent(doubled) != percent(now)
    return [f"{would}collect {weak[0].name} first." if is_gain else f"Collect {weak[0].name} first."]


def _remarks(result: Result) -> list[str]:
    remarks = [] if result.comparison is None else [f"Against {result.comparison.winner}: {result.comparison.outcome}"]
    remarks += [
        f"{each.file} was left out: {each.left_out_because}."
        for each in result.formats
        if each.left_out_because is not None
    ]
    if result.quarantined:
        remarks.append(
            f"{count(result.num_left_out, 'file')} left out, such as {result.quarantined[0].path}: "
            f"{result.quarantined[0].reason}"
        )
    if result.duplicates.exact:
        remarks.append(
            f"{count(result.duplicates.exact, 'identical copy was', 'identical copies were')} used once only."
        )
    if result.duplicates.near_groups:
        remarks.append(_copies(result.duplicates))
    if result.duplicates.conflicts:
        paths = ", ".join(result.duplicates.conflicts[0].paths[:_MAX_PATHS])
        lie = count(result.num_conflicts, "picture lies", "pictures lie")
        remarks.append(f"{lie} in several classes, such as {paths}.")
    remarks += [f"{each.message} {each.fix}" for each in result.remarks]
    return remarks


def _copies(duplicates: Duplicates) -> str:
    groups = count(duplicates.near_groups, "group") + " of near-identical images"
    torn = [each for each in duplicates.repeated if each.num_straddling]
    if not torn:
        return f"{groups} kept on one side of the split."
    others = f" and {len(torn) - 1} more classes" if len(torn) > 1 else ""
    tested = sum(each.num_test_straddling for each in torn)
    if not tested:
        return f"{groups}; those of {torn[0].name}{others} stand on both sides of the choice, none in the test."
    return (
        f"{groups}; those of {torn[0].name}{others} stand on both sides of the split, {tested} of the test images "
        "among them: the test is easier than new images will be."
    )


def _share(value: float | None) -> str:
    return "" if value is None else percent(value, 1)
