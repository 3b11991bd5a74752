"""A folder of new pictures classified: every one is answered, sorted and counted, and none costs another its answer."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import click
import pytest
from rich.console import Console

from services.client.fault import UsageFault
from services.client.folder import LeftOut
from services.onebox.commands.predict import predict
from services.onebox.prediction.answers import Answer, csv_table, heap_beside, json_document
from services.onebox.prediction.classifier import Prediction, classify
from services.onebox.prediction.delivered import Delivered, find_network
from services.onebox.prediction.inbox import find_images
from services.onebox.prediction.sorting import Sorter, folder_names
from services.onebox.prediction.tables import answer_table, passed_over_lines, summary_table, unreadable_lines
from services.trainer.export.runtimes import RUNTIMES, runs_here

CLASSES = ("cat", "dog")


def seen(path: str, best: str = "cat", probability: float = 0.9) -> Prediction:
    other = "dog" if best == "cat" else "cat"
    return Prediction(path=path, probabilities={best: probability, other: 1 - probability})


def unread(path: str) -> Prediction:
    return Prediction(path=path, error="The image is damaged: no end.", code="image_corrupt", fix="Save it anew.")


def delivery(folder: Path, *names: str, labels: str = "cat\ndog\n") -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"network")
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    return folder


def lines_of(table: object, width: int = 80) -> list[str]:
    sink = io.StringIO()
    Console(file=sink, width=width, force_terminal=True, color_system=None).print(table)
    return [line.rstrip() for line in sink.getvalue().splitlines() if line.strip()]


# What is asked.


def test_of_a_folder_of_results_the_quickest_network_is_asked_first(tmp_path: Path) -> None:
    folder = delivery(tmp_path / "results", "model.h5", "model.tflite", "model.onnx")
    found = find_network(folder, tmp_path / "scratch")
    assert [path.name for path in found.networks] == ["model.onnx", "model.tflite", "model.h5"]
    assert found.classes == CLASSES


def test_a_network_that_is_named_is_the_one_that_is_asked(tmp_path: Path) -> None:
    folder = delivery(tmp_path / "results", "model.h5", "model.onnx")
    assert find_network(folder / "model.h5", tmp_path).networks == (folder / "model.h5",)


def test_the_package_for_core_ml_is_a_network_and_not_a_delivery_although_it_is_a_zip(tmp_path: Path) -> None:
    folder = delivery(tmp_path, "model.mlpackage.zip")
    named = folder / "model.mlpackage.zip"
    assert find_network(named, tmp_path / "scratch").networks == (named,)
    assert find_network(folder, tmp_path / "scratch").networks == (named,)


@pytest.mark.parametrize(("system", "runs"), [("darwin", True), ("linux", False), ("win32", False)])
def test_core_ml_runs_on_macs_alone_and_everything_else_anywhere(system: str, runs: bool) -> None:
    names = [name for name, _, _ in RUNTIMES if runs_here(name, system)]
    assert ("model.mlpackage.zip" in names) == runs
    assert names[:5] == ["model.onnx", "model.tflite", "model_float16.tflite", "model.keras", "model.h5"]


def test_the_zip_of_a_delivery_is_enough_and_what_else_is_in_it_is_left_there(tmp_path: Path) -> None:
    packed, scratch = tmp_path / "model.zip", tmp_path / "scratch"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("model.onnx", "labels.txt", "../evil.txt", "predict.py"):
            archive.writestr(name, "cat\ndog\n")
        archive.writestr("model.json", json.dumps({"classes": CLASSES, "unsure_below": 0.8, "answer_sets": None}))
    found = find_network(packed, scratch)
    assert ([path.name for path in found.networks], found.unsure_below) == (["model.onnx"], 0.8)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "labels.txt",
        "model.json",
        "model.onnx",
        "model.zip",
    ]


def test_a_threshold_of_other_classes_is_not_taken(tmp_path: Path) -> None:
    folder = delivery(tmp_path / "results", "model.onnx")
    (folder / "model.json").write_text(
        json.dumps({"classes": ["cat", "cow"], "unsure_below": 0.8, "answer_sets": None})
    )
    assert find_network(folder, tmp_path).unsure_below is None
    certainty = {"threshold": 0.7, "sets": {"least_probability": 0.2}}
    (folder / "result.json").write_text(json.dumps({"classes": CLASSES, "certainty": certainty}))
    found = find_network(folder, tmp_path)
    assert (found.unsure_below, found.set_above) == (0.7, 0.2)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "labels.txt").unlink(), "labels_not_found"),
        (lambda folder: (folder / "labels.txt").write_bytes(b"\xff\xfecat"), "labels_unreadable"),
        (lambda folder: (folder / "model.onnx").unlink(), "model_not_found"),
    ],
)
def test_what_a_delivery_lacks_is_told_in_a_line_with_the_fix(tmp_path: Path, spoil, code: str) -> None:
    folder = delivery(tmp_path / "results", "model.onnx")
    spoil(folder)
    with pytest.raises(UsageFault) as caught:
        find_network(folder, tmp_path)
    assert caught.value.fault.code == code
    assert caught.value.fault.fix
    assert "\n" not in caught.value.fault.message


def test_a_damaged_network_is_told_in_a_line_with_the_fix_and_the_exit_code_of_what_cannot_be_used(
    tmp_path: Path,
) -> None:
    folder = delivery(tmp_path / "results", "model.onnx")
    (folder / "model.onnx").write_bytes(b"no network")
    with pytest.raises(UsageFault) as caught:
        list(classify(find_network(folder, tmp_path), [tmp_path / "1.jpg"]))
    assert (caught.value.fault.code, "damaged" in caught.value.fault.fix) == ("model_unreadable", True)
    assert "\n" not in caught.value.fault.message


def test_who_forgets_the_network_is_told_that_a_picture_is_none(tmp_path: Path) -> None:
    picture = tmp_path / "1.jpg"
    picture.write_bytes(b"a picture")
    with pytest.raises(UsageFault, match="no network") as caught:
        find_network(picture, tmp_path)
    assert caught.value.fault.code == "model_unreadable"


def test_a_damaged_zip_is_told_in_a_line_with_the_fix(tmp_path: Path) -> None:
    packed = tmp_path / "model.zip"
    packed.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(UsageFault) as caught:
        find_network(packed, tmp_path)
    assert (caught.value.fault.code, "damaged" in caught.value.fault.fix) == ("model_unreadable", True)


def test_pictures_that_were_sorted_before_are_not_classified_again(tmp_path: Path) -> None:
    (tmp_path / "sorted/cat").mkdir(parents=True)
    for name in ("a.jpg", "sorted/cat/b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    found = find_images([tmp_path], leave_out=(tmp_path / "sorted",))
    assert [path.name for path in found.images] == ["a.jpg"]


# What is answered.


def test_a_picture_that_ends_the_process_costs_no_other_its_answer(tmp_path: Path) -> None:
    images = [tmp_path / name for name in ("1.jpg", "2-fatal.jpg", "3.jpg", "4.jpg", "5.jpg", "6-fatal.jpg", "7.jpg")]
    asked = Delivered(networks=(tmp_path / "model.onnx",), labels=tmp_path / "labels.txt", classes=CLASSES)
    told = list(classify(asked, images, program="tests.dying_classifier"))
    assert [each.path for each in told] == [str(path) for path in images]
    assert [each.code for each in told] == [None, "image_corrupt", None, None, None, "image_corrupt", None]
    assert {each.best for each in told if each.error is None} == {"cat"}


def test_below_the_threshold_the_answer_is_unsure_and_the_best_guess_stands_beside() -> None:
    answers = [Answer(prediction=seen("a", probability=p), unsure_below=0.8) for p in (0.79, 0.8)]
    told = json_document(Path("model.h5"), answers, [])
    assert [(each["class"], each["best"], each["is_unsure"]) for each in told["images"]] == [
        ("unsure", "cat", True),
        ("cat", "cat", False),
    ]
    assert told["summary"] == {
        "classes": {"cat": 1},
        "unsure": 1,
        "unlike": 0,
        "unreadable": 0,
        "passed_over": 0,
    }


def test_the_document_for_programs_has_everything_under_names_that_stay() -> None:
    strange = Prediction(path="c", probabilities={"dog": 0.7, "cat": 0.3}, distance=0.9, limit=0.4)
    answers = [
        Answer(prediction=seen("a"), unsure_below=0.25, place=Path("sorted/cat/a")),
        Answer(prediction=unread("b"), unsure_below=0.25),
        Answer(prediction=strange, unsure_below=0.25, set_above=0.2),
    ]
    assert json_document(Path("model.onnx"), answers, [LeftOut(path="d.txt", reason="no picture")]) == {
        "model": "model.onnx",
        "unsure_below": 0.25,
        "summary": {"classes": {"cat": 1}, "unsure": 0, "unlike": 1, "unreadable": 1, "passed_over": 1},
        "images": [
            {
                "path": "a",
                "class": "cat",
                "is_unsure": False,
                "is_unlike": False,
                "best": "cat",
                "probability": 0.9,
                "probabilities": {"cat": 0.9, "dog": pytest.approx(0.1)},
                "sorted_to": "sorted/cat/a",
            },
            {"path": "b", "error": "The image is damaged: no end.", "code": "image_corrupt", "fix": "Save it anew."},
            {
                "path": "c",
                "class": "unlike",
                "is_unsure": False,
                "is_unlike": True,
                "best": "dog",
                "probability": 0.7,
                "probabilities": {"dog": 0.7, "cat": 0.3},
                "distance": 0.9,
                "unlike_above": 0.4,
                "answer_set": ["dog", "cat"],
            },
        ],
        "passed_over": [{"path": "d.txt", "reason": "no picture"}],
    }
    assert json_document(Path("m"), [], [])["unsure_below"] == 0.0


def answered() -> list[Answer]:
    """Return one of every kind: sorted, unsure, of something else, unread."""
    likely = Prediction(path="in/a.jpg", probabilities={"cat": 0.75, "dog": 0.25}, distance=0.5, limit=0.75)
    return [
        Answer(prediction=likely, unsure_below=0.6, set_above=0.25, place=Path("sorted/cat/a.jpg")),
        Answer(prediction=seen("in/b.jpg", "dog", 0.5), unsure_below=0.6),
        Answer(prediction=replace(likely, path="in/c.jpg", distance=1.25), unsure_below=0.6),
        Answer(prediction=unread("in/d.jpg"), unsure_below=0.6),
    ]


def test_a_program_that_reads_the_table_finds_every_column_where_it_was() -> None:
    assert csv_table(answered(), CLASSES) == (
        "path,class,probability,best,error,sorted_to,probability of cat,probability of dog\n"
        "in/a.jpg,cat,0.75,cat,,sorted/cat/a.jpg,0.75,0.25\n"
        "in/b.jpg,unsure,0.5,dog,,,0.5,0.5\n"
        "in/c.jpg,unlike,0.75,cat,,,0.75,0.25\n"
        "in/d.jpg,,,,The image is damaged: no end.,,,\n"
    )


def test_one_picture_and_none_have_a_document_like_any_other() -> None:
    told = json_document(Path("m"), answered()[1:2], [])
    assert (told["unsure_below"], len(told["images"]), told["passed_over"]) == (0.6, 1, [])
    nothing = json_document(Path("m"), [], [])
    assert (nothing["unsure_below"], nothing["images"]) == (0.0, [])
    assert set(nothing) == set(told)
    assert set(nothing["summary"]) == set(told["summary"])


def test_a_picture_of_something_else_that_could_not_be_sorted_is_counted_once() -> None:
    failed = Answer(prediction=replace(strange("a"), error="It could not be sorted.", code="cannot_read", fix="Look."))
    told = json_document(Path("m"), [failed], [])["summary"]
    assert told == {"classes": {}, "unsure": 0, "unlike": 0, "unreadable": 1, "passed_over": 0}
    assert [row["class"] for row in csv.DictReader(io.StringIO(csv_table([failed], CLASSES)))] == [""]
    assert not failed.is_stranger


def test_an_answer_set_holds_what_is_probable_enough_and_the_best_in_any_case() -> None:
    likely = Prediction(path="a", probabilities={"cat": 0.5, "dog": 0.3, "cow": 0.2})
    assert Answer(prediction=likely, set_above=0.3).answer_set == ["cat", "dog"]
    assert Answer(prediction=likely, set_above=0.9).answer_set == ["cat"]
    told = json_document(Path("m"), [Answer(prediction=likely, set_above=0.3), Answer(prediction=likely)], [])
    assert [each.get("answer_set") for each in told["images"]] == [["cat", "dog"], None]


def test_a_class_that_is_called_unsure_is_not_mixed_up_with_unsure_answers() -> None:
    assert heap_beside("unsure", CLASSES) == "unsure"
    assert heap_beside("unsure", ("unsure", "sure")) == "unsure_"


def test_the_table_for_spreadsheets_has_a_row_for_every_picture_and_no_formula() -> None:
    rows = list(
        csv.reader(io.StringIO(csv_table([Answer(prediction=seen("=1.jpg")), Answer(prediction=unread("b"))], CLASSES)))
    )
    named = ["path", "class", "probability", "best", "error", "sorted_to"]
    assert rows[0] == [*named, "probability of cat", "probability of dog"]
    assert rows[1] == ["'=1.jpg", "cat", "0.9", "cat", "", "", "0.9", "0.1"]
    assert rows[2] == ["b", "", "", "", "The image is damaged: no end.", "", "", ""]
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_every_picture_is_one_line_however_long_its_path_is_and_however_narrow_the_terminal(width: int) -> None:
    paths = [f"holiday/{'deep/' * 20}IMG_{number:04}.jpg" for number in range(3)]
    lines = lines_of(answer_table([Answer(prediction=seen(path)) for path in paths], width), width)
    assert len(lines) == 2 + len(paths)
    assert all(f"IMG_{number:04}.jpg" in lines[2 + number] for number in range(3))  # the end tells files apart
    assert all("90.0%" in line for line in lines[2:])


def test_the_summary_counts_every_class_the_unsure_and_the_unreadable() -> None:
    answers = [
        *(Answer(prediction=seen(str(n)), unsure_below=0.5) for n in range(3)),
        Answer(prediction=seen("d", "dog")),
        Answer(prediction=seen("e", probability=0.6), unsure_below=0.7),
        Answer(prediction=unread("f")),
    ]
    counted = [line.split()[:-1] for line in lines_of(summary_table(answers, CLASSES))[2:]]
    assert counted == [["cat", "3"], ["dog", "1"], ["unsure", "1"], ["cannot", "be", "read", "1"]]


def strange(path: str) -> Prediction:
    return replace(seen(path, probability=0.95), distance=0.9, limit=0.7)


def test_a_picture_of_something_else_is_given_no_class_however_sure_the_network_is() -> None:
    near = replace(seen("b"), distance=0.6, limit=0.7)
    answers = [Answer(prediction=each, unsure_below=0.99) for each in (strange("a"), near)]
    told = json_document(Path("model.onnx"), answers, [])
    assert [(each["class"], each["best"], each["is_unlike"], each["is_unsure"]) for each in told["images"]] == [
        ("unlike", "cat", True, False),
        ("unsure", "cat", False, True),
    ]
    assert (told["images"][0]["distance"], told["images"][0]["unlike_above"]) == (0.9, 0.7)
    assert (told["summary"]["classes"], told["summary"]["unlike"], told["summary"]["unsure"]) == ({}, 1, 1)
    assert [row["class"] for row in csv.DictReader(io.StringIO(csv_table(answers, CLASSES)))] == ["unlike", "unsure"]
    assert "unlike all it has seen" in "\n".join(lines_of(summary_table(answers, CLASSES)))


def test_whoever_wants_a_class_of_everything_gets_one() -> None:
    assert Answer(prediction=strange("a"), knows_strangers=False).name == "cat"


def test_what_tells_strangers_is_taken_from_beside_the_network(tmp_path: Path) -> None:
    folder = delivery(tmp_path / "results", "model.onnx")
    assert find_network(folder, tmp_path).strangers is None
    (folder / "strangers.json").write_text("{}")
    assert find_network(folder, tmp_path).strangers == folder / "strangers.json"
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        for name in ("model.onnx", "labels.txt", "strangers.json"):
            archive.write(folder / name, name)
    assert find_network(tmp_path / "model.zip", tmp_path / "scratch").strangers is not None


def test_what_cannot_be_read_costs_one_line_and_its_fix_is_told_once() -> None:
    lines = unreadable_lines([Answer(prediction=unread("a.jpg")), Answer(prediction=unread("b.jpg"))])
    assert lines == [
        "2 images cannot be read:",
        "  a.jpg: The image is damaged: no end.",
        "  b.jpg: The image is damaged: no end.",
        "What helps:",
        "  Save it anew.",
    ]


def test_of_many_files_that_are_no_pictures_some_are_listed_and_all_are_counted() -> None:
    lines = passed_over_lines([LeftOut(path=f"{n}.txt", reason="no picture") for n in range(40)])
    assert lines[0].startswith("40 files")
    assert "28 more" in lines[-1]


# Where it is put.


def test_pictures_are_copied_into_folders_of_their_classes_and_nothing_is_overwritten(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.jpg").write_text(folder)
    sorter = Sorter(tmp_path / "sorted", CLASSES, is_moving=False)
    places = [sorter.put(tmp_path / folder / "1.jpg", "cat") for folder in ("a", "b")]
    assert [place.read_text() for place in places] == ["a", "b"]
    assert sorted(path.name for path in (tmp_path / "sorted/cat").iterdir()) == ["1-2.jpg", "1.jpg"]
    assert (tmp_path / "a/1.jpg").exists()


def test_moving_takes_the_picture_away_only_once_it_lies_in_its_folder(tmp_path: Path) -> None:
    picture = tmp_path / "1.jpg"
    picture.write_text("x")
    place = Sorter(tmp_path / "sorted", CLASSES, is_moving=True).put(picture, "dog")
    assert (place.read_text(), picture.exists()) == ("x", False)


def test_names_of_classes_lead_into_no_other_folder_and_stay_apart() -> None:
    names = folder_names(["../up", "a/b", "a:b", "Cat", "cat", ".", "", "con*"])
    assert all("/" not in name and name not in {"", ".", ".."} for name in names.values())
    assert len({name.casefold() for name in names.values()}) == len(names)


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_classified(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageFault) as caught:
        Sorter(tmp_path / "file", CLASSES, is_moving=False)
    assert caught.value.fault.code == "cannot_write"


@pytest.mark.parametrize(("typed", "share"), [("0.8", 0.8), ("80%", 0.8), ("0", 0.0), ("1", 1.0)])
def test_a_threshold_is_a_share_or_percent(typed: str, share: float) -> None:
    option = next(each for each in predict.params if each.name == "unsure_below")
    assert option.type.convert(typed, option, None) == pytest.approx(share)


@pytest.mark.parametrize("typed", ["80", "-1", "many"])
def test_a_threshold_that_is_no_probability_is_refused(typed: str) -> None:
    option = next(each for each in predict.params if each.name == "unsure_below")
    with pytest.raises(click.BadParameter, match="such as"):
        option.type.convert(typed, option, None)
