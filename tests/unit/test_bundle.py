"""The one file of a delivery: what is in it, that it cannot do harm, and that it is told truly."""

import csv
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from services.reporter.report.downloads import Downloads
from services.reporter.report.letter import write_page
from services.trainer.data.dataset import HIDDEN, LearningSet, Split
from services.trainer.export.bundle.documents import NetworkFile, expected_document, model_card, model_document
from services.trainer.export.bundle.examples import Example, choose_examples, write_examples
from services.trainer.export.bundle.model_zip import describe_file, write_zip
from services.trainer.export.bundle.tables import (
    MOST_LISTED_CHARACTERS,
    prediction_table,
    split_listing,
    split_table,
)
from shared.job.findings.photographs import ClassFiles, Quarantined
from shared.language.speech import speaking
from tests.language_fixture import Blank
from tests.reporter_fixture import finished_job
from tests.result_fixture import make_result

FILES = (NetworkFile(name="model.keras", size_bytes=13_700_000, sha256="ab"),)


def learning_set(*paths: str, classes: tuple[str, ...] = ("ant", "bee")) -> LearningSet:
    """Four photographs or more: the first two are the test."""
    num = len(paths)
    labels = np.array([HIDDEN, HIDDEN, *(np.arange(num - 2) % 2)], np.int32)
    split = Split(train=np.arange(3, num), validation=np.array([2]), test=np.array([0, 1]))
    return LearningSet(
        facts={},
        directory=Path(),
        classes=classes,
        labels=labels,
        groups=np.arange(num),
        paths=paths,
        split=split,
        sizes_px=(8,),
    )


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def test_every_photograph_stands_in_the_table_of_the_split_with_what_it_served_for() -> None:
    left_out = Quarantined(path="bee/broken.jpg", code="image_corrupt", reason="r", fix="f")
    table = split_table(learning_set("ant/d", "bee/c", "ant/b", "bee/a"), np.array([0, 1]), [left_out])
    assert rows(table) == [
        ["path", "class", "split", "why"],
        ["ant/b", "ant", "validation", ""],
        ["ant/d", "ant", "test", ""],
        ["bee/a", "bee", "train", ""],
        ["bee/broken.jpg", "", "left out", "image_corrupt"],
        ["bee/c", "bee", "test", ""],
    ]


def test_the_listing_of_a_report_names_those_of_the_test_first_and_counts_the_others() -> None:
    learning = learning_set("ant/d", "bee/c", "ant/b", "bee/a", "ant/e")
    whole = split_listing(learning, np.array([0, 1]))
    assert whole[0] == ClassFiles(name="ant", test=("ant/d",), validation=("ant/b",), train=("ant/e",))
    short = split_listing(learning, np.array([0, 1]), most_characters=10)
    assert [(each.test, each.validation, each.train, each.num_more) for each in short] == [
        (("ant/d",), (), (), 2),
        (("bee/c",), (), (), 1),
    ]


def test_of_a_hundred_thousand_photographs_the_listing_stays_small() -> None:
    learning = learning_set(*(f"photographs/{'ant' if n % 2 else 'bee'}/IMG_{n:06}.jpg" for n in range(100_000)))
    listing = split_listing(learning, np.array([0, 1]))
    named = [path for each in listing for path in (*each.test, *each.validation, *each.train)]
    assert sum(map(len, named)) <= MOST_LISTED_CHARACTERS
    assert len(named) + sum(each.num_more for each in listing) == 100_000
    page = write_page(finished_job(), replace(make_result(), split=listing), figures={}, downloads=Downloads())
    assert len(page.encode()) < 2_000_000


def test_every_answer_of_the_test_stands_in_the_table_of_predictions() -> None:
    learning = learning_set("ant/d", "bee/c", "ant/b", "bee/a")
    table = prediction_table(learning, np.array([0, 1]), np.array([0, 1]), np.array([[0.9, 0.1], [0.7, 0.3]]))
    assert rows(table) == [
        ["path", "class", "predicted", "right", "probability", "probability of ant", "probability of bee"],
        ["ant/d", "ant", "ant", "yes", "0.9", "0.9", "0.1"],
        ["bee/c", "bee", "ant", "no", "0.7", "0.7", "0.3"],
    ]


def test_no_name_is_a_formula_or_acts_on_what_shows_it() -> None:
    learning = learning_set("=HYPERLINK(1)/d", "-2+3/\x1b[31mc", "+b", "@a", classes=("=cmd|x", "\u202egnp"))
    for table in (
        split_table(learning, np.array([0, 1]), []),
        prediction_table(learning, np.array([0, 1]), np.array([0, 1]), np.eye(2)),
    ):
        assert "\x1b" not in table
        assert "\u202e" not in table
        assert not [cell for row in rows(table) for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_document_for_programs_says_how_a_picture_becomes_an_answer() -> None:
    result = make_result()
    told = json.loads(model_document(result, FILES))
    assert told["classes"] == list(result.classes)
    assert told["square"]["side_px"] == result.model.input_px
    assert told["files"]["model.keras"]["sha256"] == "ab"
    assert result.run is not None
    assert told["run"]["key"] == result.run.key


def test_the_card_begins_with_the_block_that_model_hubs_read() -> None:
    _, block, text = model_card(make_result(), FILES).split("---\n", 2)
    assert "pipeline_tag: image-classification\n" in block
    assert "license: " in block
    assert "{type: accuracy, value: 0.8333}" in block
    assert "predict.py examples/1.jpg" in text


def test_the_name_of_a_class_is_only_shown_in_the_card() -> None:
    result = make_result()
    name = "<img src=x>|`a`[b](http://c)\x1b[2J"
    score = replace(result.test.per_class[0], name=name)
    card = model_card(replace(result, test=replace(result.test, per_class=(score,))), FILES)
    assert "\x1b" not in card
    for acting in ("<img", "`a`", "[b](", "x>|"):
        assert acting not in card


def test_examples_are_of_as_many_classes_as_can_be() -> None:
    labels = np.array([0, 0, 0, 0, 1, 0, 2, 0, 0])
    chosen = choose_examples(labels, np.arange(9))
    assert list(chosen) == [0, 4, 6, 1, 2, 3]


def test_examples_hold_nothing_but_a_small_picture(tmp_path: Path) -> None:
    pixels = np.zeros((900, 1200, 3), np.uint8)
    (example,) = write_examples(iter([pixels]), ["ant"], tmp_path / "examples")
    with Image.open(example.file) as image:
        assert image.size == (384, 288)
        assert not image.getexif()


def test_what_an_example_has_to_give_is_written_beside_it() -> None:
    example = Example(file=Path("examples/1.jpg"), actual="ant", probabilities=(0.25, 0.75))
    told = json.loads(expected_document([example], ["ant", "bee"]))
    assert told == {
        "1.jpg": {"filed_as": "ant", "class": "bee", "probabilities": {"ant": 0.25, "bee": 0.75}},
    }


def test_the_same_delivery_gives_the_same_zip(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"weights" * 1000)
    (tmp_path / "1.jpg").write_bytes(b"picture")
    contents = []
    for name in ("a.zip", "b.zip"):
        write_zip(tmp_path / name, [tmp_path / "model.keras"], {"labels.txt": "ant\n"}, [tmp_path / "1.jpg"])
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    with ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt", "model.keras", "examples/1.jpg"]
        assert archive.read("model.keras") == b"weights" * 1000
    told = describe_file(tmp_path / "model.keras")
    assert (told.name, told.size_bytes) == ("model.keras", 7000)
    assert told.sha256 == hashlib.sha256(b"weights" * 1000).hexdigest()


@pytest.mark.parametrize(("language", "told"), [("de", "## Wie gut es ist"), ("fr", "## Ce qu’il vaut")])
def test_the_card_is_written_in_the_language_of_the_job_and_what_hubs_read_is_not(language: str, told: str) -> None:
    english = model_card(make_result(), FILES).split("---\n", 2)
    with speaking(language):
        card = model_card(make_result(), FILES).split("---\n", 2)
        document = model_document(make_result(), FILES)
    assert card[1] == english[1]
    assert told in card[2]
    assert document == model_document(make_result(), FILES)
    with speaking("xx", Blank()):
        blank = model_card(make_result(("4711", "4712")), ()).split("---\n", 2)[2]
    bare = re.sub(r"```.*?```|`[^`]*`", " ", blank, flags=re.DOTALL)
    assert set(re.findall(r"[^\W\d_]{2,}", bare)) <= {"mobilenet", "Apache"}
