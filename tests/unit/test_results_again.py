"""Folders of results, read again: what a person keeps on disk reported anew and held beside one another."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.client.fault import UsageFault
from services.onebox.commands.compare import compare as compare_command
from services.onebox.commands.report import report
from services.onebox.commands.run import add_comparison, check_older
from services.onebox.results.folder import Answer, Results, read_results
from services.onebox.results.pairing import compare, fair_paths, own_answers
from services.onebox.results.reporting import add_to_results
from shared.job.result import Result
from shared.json_codec import to_json
from tests.result_fixture import make_result


def leave(folder: Path, result: Result, right: dict[str, bool], parts: dict[str, str] | None = None) -> Path:
    """Leave what a run leaves, as far as it is read again."""
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps(to_json(result)), encoding="utf-8")
    (folder / "model.h5").write_bytes(b"network")
    answers, splits = io.StringIO(), io.StringIO()
    csv.writer(answers).writerows(
        [("path", "class", "predicted"), *((path, "a", "a" if is_right else "b") for path, is_right in right.items())]
    )
    csv.writer(splits).writerows([("path", "split"), *(parts or dict.fromkeys(right, "test")).items()])
    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        archive.writestr("predictions.csv", answers.getvalue())
        archive.writestr("splits.csv", splits.getvalue())
    return folder


def results(right: dict[str, bool], parts: dict[str, str] | None = None) -> Results:
    answers = {path: Answer(actual="a", predicted="a" if is_right else "b") for path, is_right in right.items()}
    return Results(folder=Path(), result=make_result(), answers=answers, parts=parts or {})


def test_a_report_is_made_anew_from_what_lies_in_the_folder(tmp_path: Path) -> None:
    folder = leave(tmp_path / "results", make_result(num_candidates=1), {})
    done = CliRunner().invoke(report, [str(folder), "--language", "de"], catch_exceptions=False)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    assert done.output.strip() == str(folder / "report.html")
    assert 'href="model.h5"' in page
    assert 'href="model.onnx"' not in page
    assert "data:image/png" in page


def test_a_report_made_anew_stays_in_its_language_unless_another_is_asked_for(tmp_path: Path) -> None:
    folder = leave(tmp_path / "results", make_result(("4711", "4712"), num_candidates=1), {})
    (folder / "report.html").write_text('<!DOCTYPE html>\n<html lang="fr">', encoding="utf-8")
    CliRunner().invoke(report, [str(folder)], catch_exceptions=False)
    assert "Matrice de confusion" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{}", "[1]", "\x00"])
def test_what_is_no_result_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault) as caught:
        read_results(tmp_path)
    assert caught.value.fault.code == "result_unreadable"
    with pytest.raises(UsageFault) as caught:
        read_results(tmp_path / "nowhere")
    assert caught.value.fault.code == "results_not_found"


def test_what_an_older_network_has_learnt_from_does_not_count_for_it() -> None:
    newer = results({"1": True, "2": True, "3": False})
    older = results({}, {"1": "train", "2": "validation"})
    assert fair_paths(newer, older) == ["3"]
    found = compare(newer, older, {"1": "a", "2": "a", "3": "a"})
    assert (found.num_images, found.num_left_out, found.lost) == (1, 2, ("3",))


def test_gained_and_lost_are_named_and_luck_is_told_from_progress() -> None:
    paths = [str(number) for number in range(40)]
    newer = results(dict.fromkeys(paths, True))
    close = results({path: path not in ("3", "7") for path in paths})
    far = results({path: int(path) < 20 for path in paths})
    little, much = (compare(newer, each, own_answers(each.answers)) for each in (close, far))
    assert little.gained == ("3", "7")
    assert little.is_luck
    assert "within luck" in little.outcome
    assert much.num_gained == 20
    assert "better, and not by luck" in much.outcome
    assert "worse, and not by luck" in compare(far, newer, own_answers(newer.answers)).outcome


def test_runs_stand_side_by_side_and_say_when_their_photographs_differ(tmp_path: Path) -> None:
    result = make_result(num_candidates=1)
    assert result.run is not None
    other = replace(result, run=replace(result.run, archive_sha256="0" * 64))
    first = leave(tmp_path / "first", result, {"1": True, "2": False})
    second = leave(tmp_path / "second", result, {"1": True, "2": True})
    third = leave(tmp_path / "third", other, {"1": True})
    done = CliRunner().invoke(compare_command, [str(each) for each in (first, second, third)], catch_exceptions=False)
    told = " ".join(done.output.split())
    assert "on 2 photographs that both were tested on: 1 photograph gained, 0 lost: within luck" in told
    assert "not tested on the same photographs" in told
    as_json = CliRunner().invoke(compare_command, [str(first), str(second), "--json"], catch_exceptions=False)
    assert json.loads(as_json.output)["runs"][1]["against_first"]["num_gained"] == 1


def test_a_comparison_is_told_in_the_result_and_the_report(tmp_path: Path) -> None:
    folder = leave(tmp_path / "results", make_result(num_candidates=1), {"1": True, "2": True})
    newer, older = read_results(folder), results({"1": True, "2": False})
    add_to_results(newer, compare(newer, older, own_answers(older.answers)))
    assert read_results(folder).result.comparison is not None
    assert "Beside the older network" in (folder / "report.html").read_text(encoding="utf-8")


def test_new_results_do_not_replace_those_that_they_are_compared_with(tmp_path: Path) -> None:
    folder = leave(tmp_path / "results", make_result(num_candidates=1), {})
    with pytest.raises(UsageFault) as caught:
        check_older(folder, folder)
    assert caught.value.fault.code == "same_folder"


def test_an_older_network_whose_files_are_gone_takes_nothing_from_the_new_one(tmp_path: Path) -> None:
    older = leave(tmp_path / "older", make_result(num_candidates=1), {})
    newer = leave(tmp_path / "newer", make_result(num_candidates=1), {"1.png": True})
    for name in ("model.h5", "model.zip"):
        (older / name).unlink()
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("1.png", b"")
    before = (newer / "result.json").read_text(encoding="utf-8")
    assert "There is no network in" in (add_comparison(older, newer, tmp_path / "photos.zip") or "")
    assert (newer / "result.json").read_text(encoding="utf-8") == before
