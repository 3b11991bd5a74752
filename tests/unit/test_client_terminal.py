"""What a server, an archive or a file's name says is shown on the terminal and never obeyed by it."""

import io
from dataclasses import replace
from pathlib import Path

import click
import pytest
from rich.console import Console

from services.client.terminal.live import open_live
from services.client.terminal.outcome import confirm, run_command
from services.client.terminal.stage import Stage, listed
from services.client.terminal.summary import print_files, print_summary
from services.onebox.prediction.answers import Answer
from services.onebox.prediction.classifier import Prediction
from services.onebox.prediction.tables import answer_table, summary_table, unreadable_lines
from shared.archive.class_faults import class_too_small
from shared.errors import UserFault
from shared.job.findings.growth import ClassGrowth, Growth, GrowthPoint
from shared.job.findings.photographs import LabelConflict, Quarantined, RepeatedClass
from shared.job.findings.training import Foretold
from shared.job.result import Remark, Result
from tests.result_fixture import make_result

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egpj"


def is_harmless(shown: str) -> bool:
    return HOSTILE[:6] not in shown and "\x07" not in shown and "\u202e" not in shown and r"\x1b]0;owned" in shown


def terminal() -> tuple[Console, io.StringIO]:
    sink = io.StringIO()
    return Console(file=sink, force_terminal=True, width=200, color_system="truecolor"), sink


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_shows_names_and_obeys_none(is_terminal: bool) -> None:
    sink = io.StringIO()
    console = Console(file=sink, force_terminal=is_terminal, width=200)
    with open_live(console, clock=lambda: 0.0) as live:
        live.show(Stage(key=HOSTILE, done=1, total=2, unit=HOSTILE, detail=HOSTILE))
        live.note(HOSTILE)
    assert is_harmless(sink.getvalue())
    assert is_harmless(listed(["a", HOSTILE]))


def test_the_summary_shows_names_and_obeys_none() -> None:
    result = make_result((HOSTILE, "dogs"), num_candidates=1)
    quarantined = (Quarantined(path=HOSTILE, code="image_corrupt", reason=HOSTILE, fix=""),)
    conflicts = (LabelConflict(paths=(HOSTILE, "b")),)
    duplicates = replace(result.duplicates, conflicts=conflicts)
    result = replace(result, quarantined=quarantined, duplicates=duplicates, device=HOSTILE, winner=HOSTILE)
    result = replace(result, remarks=(Remark(code="", message=HOSTILE, fix=HOSTILE),))
    console, sink = terminal()
    print_summary(result, console)
    print_files({"model": Path(HOSTILE)}, console)
    assert is_harmless(sink.getvalue())


def test_the_verdict_stays_in_sight_however_many_networks_took_no_part() -> None:
    result = make_result(("cats", "dogs"), num_candidates=3)
    absent = replace(result.candidates[-1], skipped_because="the download server cannot be reached; put a file there")
    odd = replace(absent, name="tiny", skipped_because="carries the job only where no other weights can be had")
    absents = tuple(replace(absent, name=f"network_{number}") for number in range(50))
    foretold = Foretold(num_images=50, accuracy=0.7, log_me=0.1, h_score=0.1, sfda=-1.0)
    racer = replace(absent, name="behind", skipped_because="its chance to win was 1.0%", foretold=foretold)
    result = replace(result, candidates=(*result.candidates[:-1], racer, odd, *absents))
    console, sink = terminal()
    print_summary(result, console)
    shown = sink.getvalue()
    assert shown.count("\n") < 40
    assert "behind left early: its chance to win was 1.0%." in shown
    assert "51 networks were not compared, mostly because: the download server cannot be reached." in shown


def test_the_summary_tells_how_folders_were_understood() -> None:
    remark = Remark(code="folders_inside_classes", message="'animals' holds 'cat'.", fix="Move 'cat' up.")
    console, sink = terminal()
    print_summary(replace(make_result(("animals", "plants"), num_candidates=1), remarks=(remark,)), console)
    assert "'animals' holds 'cat'. Move 'cat' up." in sink.getvalue()


def test_predictions_show_names_and_obey_none() -> None:
    console, sink = terminal()
    seen = Prediction(path=HOSTILE, probabilities={HOSTILE: 0.9, f"{HOSTILE}2": 0.1})
    answers = [Answer(prediction=each) for each in (seen, Prediction(path=HOSTILE, error=HOSTILE))]
    console.print(answer_table(answers[:1], 200))
    console.print(summary_table(answers, [HOSTILE]))
    for line in unreadable_lines(answers):
        console.print(line, markup=False)
    assert is_harmless(sink.getvalue())


def test_a_name_that_a_terminal_has_no_letters_for_costs_no_table_and_no_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command("convtailor")
    def command() -> None:
        Console(width=40).print("cats of 漢")

    sink = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(sink, encoding="iso-8859-1", write_through=True))
    assert run_command(command, []) == 0
    assert sink.getvalue().strip() == rb"cats of \u6f22"


def test_nobody_at_a_terminal_is_no_answer_and_says_what_to_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("convtailor")
    def command() -> None:
        confirm("Delete it?")

    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run_command(command, []) == 1
    told = capsys.readouterr()
    assert "Answer y, or pass --yes." in told.err
    assert told.out == ""


def test_an_error_is_shown_and_never_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command("convtailor")
    def command() -> None:
        raise UserFault("a_code", f"Bad: {HOSTILE}", fix=HOSTILE, details={HOSTILE: [HOSTILE, {"message": HOSTILE}]})

    assert run_command(command, []) == 1
    assert is_harmless(capsys.readouterr().err)


@pytest.mark.parametrize("length", [20, 240])
def test_an_error_with_three_hundred_classes_fits_on_a_screen(length: int, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {f"{'long name ' * (length // 10)}{number:03}": 2 for number in range(300)}

    @click.command("convtailor")
    def command() -> None:
        raise UserFault.of(class_too_small(sizes, (), min_images=5))

    assert run_command(command, []) == 1
    lines = capsys.readouterr().err.splitlines()
    assert sum(1 + len(line) // 80 for line in lines) <= 50
    assert any(line.endswith("and 288 more") for line in lines)


@pytest.mark.parametrize(
    ("found", "doubled", "told"),
    [
        (1.0, 1.0, ""),
        (0.8, 0.901, "Collect cats first."),
        (0.8, 0.95, "Twice as many images would bring about 95% instead of 90%; collect cats first."),
    ],
    ids=["nothing to gain", "no more of all", "more"],
)
def test_more_photographs_are_asked_for_only_where_they_would_help(found: float, doubled: float, told: str) -> None:
    point = GrowthPoint(num_images=40, accuracy=0.9, interval=(0.8, 1.0))
    of_cats = ClassGrowth(name="cats", num_images=20, found=found, found_doubled=found, taken_for="dogs")
    growth = Growth(points=(point,), doubled=replace(point, accuracy=doubled), classes=(of_cats,))
    console, sink = terminal()
    print_summary(replace(make_result(("cats", "dogs"), num_candidates=1), growth=growth), console)
    lines = [line.strip() for line in sink.getvalue().splitlines()]
    assert [line for line in lines if "first." in line] == ([told] if told else [])


def told_of(result: Result) -> str:
    console, sink = terminal()
    print_summary(result, console)
    return sink.getvalue()


def test_fine_tuning_that_was_not_kept_is_no_row_of_its_own() -> None:
    result = make_result(num_candidates=1)
    assert result.tuning is not None
    assert "fine-tuned" in told_of(result)
    assert "fine-tuned" not in told_of(replace(result, tuning=replace(result.tuning, best_epoch=0)))


def test_copies_that_are_in_no_test_make_no_test_easier() -> None:
    result = make_result(num_candidates=1)
    torn = RepeatedClass(name="hat", num_images=20, largest_group=15, num_straddling=9, num_test_straddling=0)
    told = told_of(replace(result, duplicates=replace(result.duplicates, repeated=(torn,))))
    assert "those of hat stand on both sides of the choice, none in the test." in told
    assert "easier" not in told
