"""Splits under names of many languages, folders that lie beside a split, and advice that helps where it is given."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.archive.name_table import TABLE_FILE
from shared.archive.rules import plan_archive
from shared.archive.structure.folder_name import Role, sense_of
from shared.errors import UserFault
from tests.archive_listing import copied, fault, files, plan, records

LANGUAGES = {
    "Danish": ("træning", "validering", "test"),
    "Swedish": ("träning", "validering", "testning"),
    "Dutch": ("oefenset", "validatieset", "testset"),
    "Finnish": ("koulutus", "validointi", "testi"),
    "Czech": ("trénovací", "validační", "testovací"),
    "Hungarian": ("tanító", "validációs", "teszt"),
    "Romanian": ("antrenament", "validare", "testare"),
    "Polish": ("zbiór uczący", "zbiór walidacyjny", "zbiór testowy"),
    "German": ("Lernmenge", "Validierungsmenge", "Prüfung"),
    "Italian": ("allenamento", "validazione", "verifica"),
    "Russian": ("тренировочный", "валидационный", "проверка"),
    "Ukrainian": ("навчальна", "валідаційна", "перевірка"),
    "Greek": ("εκπαίδευση", "επικύρωση", "δοκιμή"),
    "Hebrew": ("אימון", "תיקוף", "מבחן"),
    "Arabic": ("تدريب", "التحقق", "اختبار"),
    "Hindi": ("प्रशिक्षण", "validation", "परीक्षण"),
    "Thai": ("ฝึก", "validation", "ทดสอบ"),
    "Indonesian": ("data latih", "data validasi", "data uji"),
    "Vietnamese": ("huấn luyện", "validation", "kiểm tra"),
    "Japanese": ("学習用データ", "検証用データ", "評価用データ"),
    "Chinese": ("訓練集", "驗證集", "測試集"),
    "Korean": ("학습데이터", "검증데이터", "평가데이터"),
    "Turkish": ("eğitim", "doğrulama", "sınama"),
    "of arrays": ("Xtrain", "Xval", "Xtest"),
}


@pytest.mark.parametrize("depth", ["", "photos/second try/"], ids=["at the top", "in wrappers"])
@pytest.mark.parametrize("parts", LANGUAGES.values(), ids=LANGUAGES)
def test_a_split_is_used_whatever_language_names_it(parts: tuple[str, str, str], depth: str) -> None:
    made = plan(*files(*[f"{depth}{part}/{name}" for part in parts for name in ("a", "b")]))
    assert made.own is not None
    roles = (Role.TRAIN, Role.VALIDATION, Role.TEST)
    assert tuple(made.own.names(role) for role in roles) == tuple((part,) for part in parts)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no program that runs the page's scripts")
def test_the_page_reads_every_name_as_the_server_does() -> None:
    script = Path("services/intake/pages/static/survey.js").resolve()
    names = [part for parts in LANGUAGES.values() for part in parts]
    program = (
        f"import {{ namesOf }} from {json.dumps(script.as_uri())}; import {{ readFileSync }} from 'node:fs';"
        f"const names = namesOf(JSON.parse(readFileSync({json.dumps(str(TABLE_FILE))})));"
        f"console.log(JSON.stringify({json.dumps(names)}.map(names.partOf)));"
    )
    command = ["node", "--input-type=module", "-e", program]
    read = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    assert dict(zip(names, read, strict=True)) == {name: sense_of(name).role for name in names}


def test_numbered_pieces_of_cross_validation_are_no_classes() -> None:
    assert fault(*files(*[f"cv_{number}/{name}" for number in (1, 2) for name in "ab"])).code == "archive_already_split"


def test_a_part_beside_classes_that_are_called_for_another_part_is_no_class() -> None:
    found = fault(*files("train_cats", "train_dogs", "test"))
    assert found.code == "archive_already_split"
    assert "'train_cats' and 'train_dogs' hold one class each, and beside them lies 'test'" in found.message
    assert "by the names of the others no class but part of a split." in found.message
    assert found.fix.startswith("Leave 'test' out of the zip")
    several = fault(*files("train_cats", "train_dogs", "test", "holdout"))
    assert "beside them lie 'holdout' and 'test', by the names of the others no classes but parts of" in several.message
    assert "If they are classes all the same, call the folders by their classes alone" in several.fix


@pytest.mark.parametrize(
    ("beside", "message", "fix"),
    [
        (
            ["test_set"],
            "lies 'test_set', by its name no class but part of a split: what is on its pictures",
            "If it is a class all the same, give the folder another name.",
        ),
        (
            ["test_set", "holdout"],
            "lie 'holdout' and 'test_set', by their names no classes but parts of a split: what is on their pictures",
            "If they are classes all the same, give each another name.",
        ),
    ],
)
def test_parts_beside_classes_are_told_as_one_or_as_several(beside: list[str], message: str, fix: str) -> None:
    found = fault(*files("cats", "dogs", *beside))
    assert found.message == f"Beside the classes 'cats' and 'dogs' {message} cannot be known."
    assert found.fix.endswith(fix)


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        (["docs"], "lies 'docs' with 6 pictures, and it would become a class."),
        (["docs", "plots"], "lie 'docs' and 'plots' with 12 pictures, and they would become classes."),
    ],
)
def test_pictures_beside_the_folder_of_all_classes_are_told_as_one_or_as_several(
    beside: list[str], message: str
) -> None:
    found = fault(*files("set/cats", "set/dogs", *beside))
    assert found.message == f"Only 'set' holds class folders: 'cats' and 'dogs'. Beside it {message}"
    assert found.fix.startswith("Zip the folder 'set' alone, or leave 'docs'")


def test_pictures_beside_a_folder_that_is_split_are_to_be_left_out_and_the_split_stays() -> None:
    parts = [f"r/dataset/{part}/{name}" for part in ("train", "test") for name in ("rose", "tulip")]
    found = fault(*files(*parts, "r/uploads"))
    assert found.code == "archive_already_split"
    assert found.fix.startswith("Zip the folder 'r/dataset' alone, or leave 'r/uploads' out of the zip")
    assert plan(*files(*parts)).own is not None


def test_folders_that_all_hold_the_same_ones_may_be_parts_of_any_name() -> None:
    [remark] = plan(*files("Berlin/sick", "Berlin/sound", "Paris/sick", "Paris/sound")).remarks
    assert remark.code == "folders_inside_classes"
    assert "each of them holds 'sick' and 'sound'" in remark.message
    assert "times, places or parts of your data" in remark.fix
    assert "all photographs of 'sick' into one folder" in remark.fix


@pytest.mark.parametrize("names", [("Copy of cats", "Copy of dogs"), ("Kopie von cats", "Kopie von dogs")])
def test_a_copy_that_a_system_made_is_known_by_its_name(names: tuple[str, str]) -> None:
    with pytest.raises(UserFault) as caught:
        plan_archive(copied(files("cats", "dogs"), files(*names)))
    assert caught.value.fault.code == "archive_second_copy"
    assert caught.value.fault.details["folders"] == list(names)


def test_parts_are_to_be_put_together_only_where_that_makes_every_class_large_enough() -> None:
    small = files("train/dogs", count=2)
    helped = fault(*files("train/cats", "test/cats", "test/dogs", count=9), *small)
    assert "--split new" in helped.fix
    for others in (["single_prediction"], ["test/cats"], ["test"]):
        found = fault(*files("train/cats", *others, count=9), *small)
        assert found.code == "class_too_small"
        assert "split" not in found.fix
    assert "split" not in fault(*files("train/cats", "train/dogs", "test/cats"), *files("test/birds", count=2)).fix
    assert "split" not in fault(*files("fold1/cats", "fold1/dogs", "fold2/cats", "fold2/dogs", count=2)).fix


def test_an_archive_inside_is_named_where_a_class_is_missing() -> None:
    found = fault(*files("cats"), "dogs.zip")
    assert found.code == "archive_one_class"
    assert "'dogs.zip' is not opened: if it holds photographs, unpack it" in found.fix
    several = fault(*files("cats"), "dogs.zip", "owls.rar", "rats.7z", "x.zip").fix
    assert several.endswith(
        " 'dogs.zip', 'owls.rar' and 2 more are not opened: if they hold photographs, unpack them before you zip the "
        "folders."
    )


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (files("cats", "dogs", ending="pdf"), "Documents are not read"),
        (files("cats", "dogs", ending="mp4"), "Films are not read"),
        (files("train", ending="npy"), "Files of numbers"),
        (["x/train.tfrecord", "x/labels.pbtxt", "x/test.tfrecord"], "Files of numbers"),
    ],
    ids=["documents", "films", "arrays", "records"],
)
def test_what_holds_pictures_in_another_form_is_told_how_to_get_them_out(names: list[str], told: str) -> None:
    found = fault(*names)
    assert found.code == "archive_no_images"
    assert found.fix.startswith(told)
    assert "folder named for the class" in found.fix


def test_empty_folders_are_called_empty() -> None:
    assert fault("cats/", "dogs/").message == "There are no photographs in the zip; its folders are empty."


def test_nothing_is_advised_that_would_be_refused_next() -> None:
    names = files(*[f"{part}/{name}" for part in ("val", "test") for name in ("cats", "dogs")])
    assert "--split new" in fault(*names).fix
    assert plan_archive(records(names), is_mixed=True).num_images == len(names)
