"""Archives that are arranged in another way than one folder per class: named for what they are, never trained so."""

import pytest

from shared.archive.entry import read_entry
from shared.archive.rules import plan_archive
from shared.archive.structure.folder_name import Role
from shared.archive.structure.folder_tree import MAX_FOLDERS, grow
from shared.archive.zip_format.directory import Record
from shared.errors import UserFault
from tests.archive_listing import copied, fault, files, plan, records

USED = {
    "train and test": files("train/cat", "train/dog", "test/cat", "test/dog"),
    "in a wrapper": files("data/train/cat", "data/train/dog", "data/val/cat", "data/val/dog"),
    "deep in wrappers": files("a/b/c/train/cat", "a/b/c/train/dog", "a/b/c/test/cat", "a/b/c/test/dog"),
    "beside documents": files("r/data/train/cat", "r/data/train/dog", "r/data/test/cat", "r/data/test/dog", "r/docs"),
    "capitals": files("TRAIN/cat", "TRAIN/dog", "TEST/cat", "TEST/dog"),
    "German": files("Training/Hund", "Training/Katze", "Testing/Hund", "Testing/Katze"),
    "German words": files("Trainingsdaten/Hund", "Trainingsdaten/Katze", "Testdaten/Hund", "Testdaten/Katze"),
    "French": files("entraînement/chat", "entraînement/chien", "validation/chat", "validation/chien"),
    "Chinese": files("训练集/猫", "训练集/狗", "测试集/猫", "测试集/狗"),
    "sets": files("d/training_set/cats", "d/training_set/dogs", "d/test_set/cats", "d/test_set/dogs"),
    "train beside unlabelled ones": files("train/cats", "train/dogs", "single_prediction"),
    "sets and single ones": files("training_set/cats", "training_set/dogs", "test_set/cats", "single_prediction"),
    "numbered": files("01_train/a", "01_train/b", "02_val/a", "02_val/b", "03_test/a", "03_test/b"),
    "camels": files("TrainImages/a", "TrainImages/b", "TestImages/a", "TestImages/b"),
    "spaces": files("Train Images/a", "Train Images/b", "Test Images/a", "Test Images/b"),
    "x": files("x_train/a", "x_train/b", "x_test/a", "x_test/b"),
    "held out": files("train/a", "train/b", "held_out/a", "held_out/b"),
    "plural": files("trains/a", "trains/b", "tests/a", "tests/b"),
    "data": files("train_data/a", "train_data/b", "valid_data/a", "valid_data/b"),
    "segments doubled": files(*[f"{s}/{s}/{c}" for s in ("seg_train", "seg_test") for c in "ab"], "seg_pred/seg_pred"),
    "name of the data set": files(*[f"flowers_{s}/{c}" for s in ("train", "test") for c in ("rose", "tulip")]),
    "public and private": files("train/a", "train/b", "public_test/a", "public_test/b", "PrivateTest/a"),
    "unlabelled test": files("plant/train/Maize", "plant/train/Beet", "plant/test"),
    "unlabelled test and a table": [*files("train/Maize", "train/Beet", "test"), "sample_submission.csv"],
    "three parts, one unlabelled": files("train/a", "train/b", "valid/a", "valid/b", "test"),
    "fewer classes in test": files("train/a", "train/b", "train/c", "test/a"),
    "letters": files(*[f"asl_train/asl_train/{c}" for c in "AB"], "asl_test/asl_test"),
    "augmented, test apart": files(*[f"New (Augmented)/New/{s}/{c}" for s in ("train", "valid") for c in "ab"], "test"),
    "images inside classes": files("train/n01/images", "train/n02/images", "val/images", "test/images"),
}


REFUSED = {
    "folds": files(*[f"fold{number}/class_{c}" for number in range(1, 6) for c in "ab"]),
    "lettered folds": files(*[f"Fold {letter}/{c}" for letter in "AB" for c in ("cat", "dog")]),
    "folds that are split": files(
        *[f"fold{n}/{s}/{c}" for n in (1, 2) for s in ("train", "val") for c in ("cat", "dog")]
    ),
    "other classes in test": files("train/a", "train/b", "test/c", "test/d"),
    "one part beside the rest": files("train/cats", "train/dogs", "extra/cats", "extra/dogs"),
    "no class folders": files("train", "test"),
    "numbers behind": [*files("train", name="cat."), *files("test1"), "sampleSubmission.csv"],
    "parts in the names": files("cats_train", "cats_test", "dogs_train", "dogs_test"),
    "test set beside classes": files("cats", "dogs", "test_set"),
    "validation beside classes": files("d/cats", "d/dogs", "d/validation"),
    "validation in German beside classes": files("cats", "dogs", "Validierung"),
    "pictures held out beside classes": files("cats", "dogs", "holdout"),
    "the same, called otherwise": files("cats", "dogs", "heldout"),
    "the same in two words": files("cats", "dogs", "held_out"),
    "the same of images": files("cats", "dogs", "Hold-Out Images"),
    "unlabelled ones beside classes": files("cats", "dogs", "unlabeled"),
    "road signs": [*files("Train/0", "Train/1", "Test", "Meta"), "Train.csv", "Test.csv"],
    "records beside": [*files("train_images", "test_images"), *files("train_tfrecords", ending="tfrec"), "train.csv"],
    "half of the classes elsewhere": files("train/a", "train/b", "extra/a", "extra/c"),
    "one of the classes elsewhere": [*files("train/cats", "train/dogs", "extra/cats"), "extra/stray.jpg"],
    "two data sets": files(*[f"dataset{n}/{s}/{c}" for n in (1, 2) for s in ("train", "test") for c in "ab"]),
}


@pytest.mark.parametrize("names", USED.values(), ids=USED)
def test_a_split_that_somebody_made_is_used_as_it_is(names: list[str]) -> None:
    made = plan(*names)
    assert made.own is not None
    learnt_from, held_out = made.own.names(Role.TRAIN), made.own.names(Role.VALIDATION, Role.TEST)
    assert all("tr" in name.casefold() or name in ("训练集", "entraînement") for name in learnt_from)
    for entries in made.classes.values():
        for entry in entries:
            placed = made.own.place(entry.folders)
            assert placed is not None
            part = learnt_from if placed[0] is Role.TRAIN else held_out
            assert not set(part).isdisjoint(entry.folders), "what was to test with is learnt from"


@pytest.mark.parametrize("names", REFUSED.values(), ids=REFUSED)
def test_parts_of_a_split_never_become_classes(names: list[str]) -> None:
    found = fault(*names)
    assert found.code == "archive_already_split"
    assert len(found.details["folders"]) >= 1
    assert found.details["folders"][0] in found.fix or "one folder" in found.fix or "split=new" in found.fix


@pytest.mark.parametrize("name", ["train and test", "numbered", "public and private", "in a wrapper"])
def test_parts_can_be_put_together_all_the_same(name: str) -> None:
    made = plan_archive(records(USED[name]), is_mixed=True)
    assert made.own is None
    assert made.num_images == len(USED[name])
    assert [remark.code for remark in made.remarks] == ["split_mixed"]


def test_who_has_parts_put_together_is_told_which_and_that_none_of_them_tests_the_network_any_more() -> None:
    names = files("train/cats", "train/dogs", "test/cats")
    [remark] = plan_archive(records(names), is_mixed=True).remarks
    assert remark.message == "'test' and 'train' were put together, and convtailor made its own split."
    assert remark.fix == (
        "If you keep one of these parts to test with yourself, leave it out of the zip: the network has learnt from "
        "some of its photographs."
    )
    assert plan(*names).remarks == ()
    assert plan(*names, *files("train2/cats", "train2/dogs")).remarks == (), "two to learn from are no mixture"
    alone = plan_archive(records(files("train/cats", "train/dogs", "single_prediction")), is_mixed=True)
    assert [remark.code for remark in alone.remarks] == ["part_without_classes"], "one part alone is put to nothing"


def test_pieces_of_equal_rank_are_put_together_where_that_is_asked_for() -> None:
    made = plan_archive(records(REFUSED["folds"]), is_mixed=True)
    assert {name: len(entries) for name, entries in made.classes.items()} == {"class_a": 30, "class_b": 30}


def test_what_is_to_test_with_comes_first_so_that_copies_elsewhere_go() -> None:
    made = plan(*files("train/cat", "train/dog", "val/cat", "val/dog", "test/cat", "test/dog"))
    assert [entry.folders[0] for entry in made.classes["cat"]] == ["test"] * 6 + ["val"] * 6 + ["train"] * 6


def test_a_folder_that_may_be_anything_beside_a_split_is_to_be_left_out() -> None:
    parts = [f"d/{part}/{name}" for part in ("training_set", "test_set") for name in ("cats", "dogs")]
    found = fault(*files(*parts, "d/single"))
    assert found.code == "archive_already_split"
    assert "beside these lies 'single'" in found.message
    assert "Leave 'd/single' out of the zip" in found.fix
    assert "are then used as they are" in found.fix


def test_photographs_in_no_class_of_a_part_are_left_out_and_told_of() -> None:
    made = plan(*files("plant/train/Maize", "plant/train/Beet", "plant/test"))
    [remark] = made.remarks
    assert remark.code == "part_without_classes"
    assert remark.message == (
        "In 'test' there are no class folders (6 photographs), so nothing says what is on these photographs: "
        "they were left out."
    )
    assert remark.fix == "If they are to be used, sort them into a folder for each class. If not, all is well."
    assert len(made.set_aside) == 6


def test_a_class_that_cannot_be_learnt_is_told_with_where_it_lies_alone() -> None:
    found = fault(*files("train/cats", "train/dogs", "test/cats", "test/dogs", "test/birds"))
    assert found.code == "archive_already_split"
    assert "'test' holds a class that 'train' lacks: 'birds'" in found.message
    assert "Put photographs of 'birds' into 'train'" in found.fix
    assert "--split new" in found.fix


def test_classes_that_several_parts_hold_and_none_to_learn_from_are_all_told_with_these_parts() -> None:
    found = fault(*files("train/cats", "train/dogs", "val/birds", "val/cats", "test/birds", "test/fish"))
    assert found.message == (
        "The zip is split into parts already, and 'val' and 'test' hold classes that 'train' lacks: 'birds' and "
        "'fish'. There is nothing to learn them from."
    )
    assert found.fix.startswith("Put photographs of 'birds' and 'fish' into 'train', or leave them out of the other")
    assert (found.details["folders"], found.details["classes"]) == (["val", "test"], ["birds", "fish"])


def test_every_class_needs_photographs_to_learn_from_however_many_there_are_to_test_with() -> None:
    found = fault(*files("train/cats", "test/cats", "test/dogs", count=9), *files("train/dogs", count=2))
    assert found.code == "class_too_small"
    assert "5 photographs in 'train'; too few are in 'dogs' (2)" in found.message


def test_a_class_that_parts_write_otherwise_is_one() -> None:
    made = plan(*files("train/Cats", "train/Dogs", "test/cats", "test/DOGS"))
    assert {name: len(entries) for name, entries in made.classes.items()} == {"Cats": 12, "Dogs": 12}
    assert fault(*files("train/Cats", "train/cats", "train/dogs", "test/cats")).code == "class_names_clash"
    mixed = plan_archive(records(files("train/Cats", "train/Dogs", "test/cats", "test/DOGS")), is_mixed=True)
    assert {name: len(entries) for name, entries in mixed.classes.items()} == {"Cats": 12, "Dogs": 12}
    pieces = plan_archive(records(files("fold1/A", "fold1/B", "fold2/a", "fold2/b")), is_mixed=True)
    assert {name: len(entries) for name, entries in pieces.classes.items()} == {"A": 12, "B": 12}


def test_a_folder_inside_a_class_does_not_change_how_another_class_is_written() -> None:
    made = plan(*files("train/bird/Duck", "train/bird/Hen", "train/duck", "test/Duck", "test/bird"))
    assert {name: len(entries) for name, entries in made.classes.items()} == {"bird": 18, "duck": 12}


def test_a_class_may_have_nothing_to_test_with() -> None:
    made = plan(*files("train/cats", "train/dogs", "test/cats"))
    assert {name: len(entries) for name, entries in made.classes.items()} == {"cats": 12, "dogs": 6}


def test_what_is_not_told_apart_is_told_which_folder_to_zip() -> None:
    found = fault(*files("Train/0", "Train/1", "Test", "Meta"), "Train.csv")
    assert found.code == "archive_already_split"
    assert "beside these lies 'Meta'" in found.message
    found = fault(*files("val/cats", "val/dogs", "test/cats", "test/dogs"))
    assert "'val' and 'test' hold the same classes, 'cats' and 'dogs'" in found.message
    assert "--split new" in found.fix


def test_pieces_of_equal_rank_are_to_be_put_together() -> None:
    found = fault(*files(*[f"fold{number}/{c}" for number in (1, 2) for c in ("cats", "dogs")]))
    assert found.fix.startswith("Put what 'fold1' and 'fold2' hold of a class, such as 'cats', into one folder")
    assert "--split new" in found.fix


CLASSES = {
    "a hand": files("wave", "hold_out_hand", "held_out_hand"),
    "vehicles": files("train", "car", "bus"),
    "vehicles by kind": files("train/steam", "train/diesel", "plane", "car"),
    "vehicles of one kind": [*files("train/steam", "bus/steam"), "train/stray.jpg", "bus/stray.jpg"],
    "vehicles with one kind in common": files(*[f"train/{c}" for c in "abc"], *[f"bus/{c}" for c in "cde"]),
    "laboratory": files("test", "control"),
    "laboratory with measurements": [*files("test", "control"), "measurements.csv"],
    "laboratory of several with measurements": [*files("tests", "controls"), "measurements.csv"],
    "volleyball": files("val", "set", "spike"),
    "tickets": files("valid", "invalid", "expired"),
    "numbered tests": files("test 1", "test 2", "test 3"),
    "machine parts": files("part_1", "part_2", "part_3"),
    "fabric": files("fold", "crease", "tear"),
    "activities": files("training", "resting"),
    "shoes": files("trainers", "boots"),
    "stations": files("train_station", "bus_station"),
    "glassware": files("test_tube", "beaker", "flask"),
    "digits": files(*"0123456789"),
    "letters": files(*"ABC"),
    "sets": files("set A", "set B"),
    "digits and a table": [*files(*"0123456789"), "labels.csv"],
    "faces": files("mask", "no_mask"),
    "faces of both words": files("with_mask", "without_mask"),
    "colours": files("gray", "red", "blue"),
    "places": files("cats/indoor", "cats/outdoor", "dogs/indoor", "dogs/outdoor"),
    "fruit by freshness": files("fresh/apple", "fresh/pear", "rotten/apple", "rotten/pear"),
    "captions": [*files("cats", "dogs"), *files("cats", "dogs", ending="txt")],
    "classes of two words": files("Sugar beet", "Common wheat"),
    "classes numbered": files("class_1", "class_2"),
    "classes of words for treatment": files(*[f"{c}/{s}" for c in ("gray whale", "grey seal") for s in ("l", "r")]),
    "images of classes": files("cat_images", "dog_images"),
    "images inside classes": files("cats/images", "dogs/images"),
    "masks by kind": files("mask/cloth", "mask/paper", "no_mask/indoor", "no_mask/outdoor"),
    "one class from two sides": files("cats/left", "cats/right", "dogs"),
}


@pytest.mark.parametrize("names", CLASSES.values(), ids=CLASSES)
def test_a_class_keeps_its_name_whatever_it_is_called(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names if name.endswith(".jpg")}
    assert set(plan(*names).classes) == tops


def test_a_split_inside_every_class_is_used_too() -> None:
    names = files("cats/train", "cats/test", "dogs/train", "dogs/test")
    made = plan(*names)
    assert made.own is not None
    assert [made.own.place(("cats", part)) for part in ("train", "test")] == [
        (Role.TRAIN, "cats"),
        (Role.TEST, "cats"),
    ]
    mixed = plan_archive(records(names), is_mixed=True)
    assert {name: len(entries) for name, entries in mixed.classes.items()} == {"cats": 12, "dogs": 12}
    assert [remark.code for remark in mixed.remarks] == ["split_inside_classes"]


@pytest.mark.parametrize(("holder", "beside"), [("dataset", "birds"), ("train", "birds"), ("pets", "docs")])
def test_the_folder_that_holds_all_classes_comes_off_beside_a_folder_without_photographs(
    holder: str, beside: str
) -> None:
    assert set(plan(*files(f"{holder}/cats", f"{holder}/dogs"), f"{beside}/readme.txt").classes) == {"cats", "dogs"}


def test_a_folder_without_photographs_beside_one_that_may_be_a_class_is_an_empty_class() -> None:
    assert fault(*files("pets/cats", "pets/dogs"), "birds/readme.txt").code == "archive_empty_class"


def test_a_split_inside_every_class_may_have_photographs_to_choose_by() -> None:
    made = plan(*files(*[f"{name}/{part}" for name in ("cats", "dogs") for part in ("train", "valid", "test")]))
    assert made.own is not None
    assert {part: [each.name for each in folders] for part, folders in made.own.parts.items()} == {
        Role.TRAIN: ["train", "train"],
        Role.VALIDATION: ["valid", "valid"],
        Role.TEST: ["test", "test"],
    }


@pytest.mark.parametrize(
    ("dogs", "remark"),
    [
        (["dogs/train"], "split_inside_classes"),
        (["dogs/valid", "dogs/test"], "split_inside_classes"),
        (["dogs/train", "dogs/test", "dogs"], "split_inside_classes"),
        (["dogs/train", "dogs/test", "dogs/extra"], "folders_inside_classes"),
    ],
)
def test_a_split_inside_classes_is_put_together_where_a_class_has_another_or_photographs_beside_it(
    dogs: list[str], remark: str
) -> None:
    made = plan(*files("cats/train", "cats/test", *dogs))
    assert made.own is None
    assert {name: len(entries) for name, entries in made.classes.items()} == {"cats": 12, "dogs": 6 * len(dogs)}
    assert [each.code for each in made.remarks] == [remark]


def test_who_sends_a_hierarchy_is_told_which_level_was_taken() -> None:
    [remark] = plan(*files("animals/cat", "animals/dog", "plants/rose", "plants/tulip")).remarks
    assert remark.code == "folders_inside_classes"
    assert "'animals' holds 'cat' and 'dog'; 'plants' holds 'rose' and 'tulip'" in remark.message
    assert "'cat', 'dog', 'rose' and 'tulip'" in remark.fix


def test_a_class_called_like_a_part_is_remarked_upon_where_it_may_be_one() -> None:
    [remark] = plan(*files("cats", "dogs", "test")).remarks
    assert remark.code == "class_named_like_a_part"
    assert "'test'" in remark.message
    assert plan(*files("test", "control")).remarks == ()


COPIES = {
    "inside": (files("p/cats", "p/dogs"), files("p/p/cats", "p/p/dogs"), "p/p"),
    "inside a wrapper": (files("cats", "dogs"), files("backup/old/cats", "backup/old/dogs"), "backup"),
    "beside": (files("pets/cats", "pets/dogs"), files("pets copy/cats", "pets copy/dogs"), "pets copy"),
    "beside, under another name": (files("pets/cats", "pets/dogs"), files("animals/cats", "animals/dogs"), "animals"),
    "beside, as a part": (files("pets/cats", "pets/dogs"), files("train/cats", "train/dogs"), "train"),
    "of a class": (
        files("cats", "dogs"),
        files("cats - Copy", "dogs - Copy"),
        "cats - Copy",
    ),
}


@pytest.mark.parametrize(("names", "onto", "where"), COPIES.values(), ids=COPIES)
def test_a_second_copy_is_named_and_to_be_left_out(names: list[str], onto: list[str], where: str) -> None:
    with pytest.raises(UserFault) as caught:
        plan_archive(copied(names, onto))
    found = caught.value.fault
    assert found.code == "archive_second_copy"
    folders = found.details["folders"]
    assert folders[0] == where
    assert f"Leave '{where}'" in found.fix
    more = " The same holds for 'dogs - Copy'." if len(folders) > 1 else ""
    assert f" files.{more} A copy would become a class" in found.message


def test_copies_of_one_class_in_another_are_left_to_whoever_sees_the_pictures() -> None:
    assert plan_archive(copied(files("cats"), files("felines"))).num_classes == 2
    dogs = [each._replace(offset=each.offset + 10**6, crc=each.crc + 1000) for each in records(files("pets/dogs"))]
    assert plan_archive([*copied(files("pets/cats"), files("felines")), *dogs]).num_classes == 2


def test_a_second_copy_of_a_split_is_to_be_left_out_and_the_split_is_used_then() -> None:
    parts = [f"{part}/{name}" for part in ("train", "test", "val") for name in ("NORMAL", "PNEUMONIA")]
    names = files(*[f"x/{part}" for part in parts])
    with pytest.raises(UserFault) as caught:
        plan_archive([*copied(names, files(*[f"x/x/{part}" for part in parts])), Record("x/__MACOSX/._.DS_Store")])
    assert caught.value.fault.code == "archive_second_copy"
    assert "Leave 'x/x' out" in caught.value.fault.fix
    assert plan(*names).own is not None


def test_a_part_that_repeats_another_stays_a_part_and_no_second_copy() -> None:
    made = plan_archive(copied(files("train/cats", "train/dogs"), files("val/cats", "val/dogs")))
    assert made.own is not None


def test_files_of_one_size_and_name_are_no_copies_where_their_checksums_differ() -> None:
    assert plan(*files("good/left", "good/right", "bad/left", "bad/right")).num_images == 24


LEVELS = {
    "documents": files("trash-main/dataset/glass", "trash-main/dataset/metal", "trash-main/docs"),
    "results": files("images/glass", "images/metal", "test_results", "my model"),
    "treated in several ways": files(*[f"p/{kind}/{c}" for kind in ("color", "grayscale", "segmented") for c in "ab"]),
    "treated, in words more": files(*[f"{kind}_images/{c}" for kind in ("color", "gray") for c in "ab"]),
    "unlabelled ones beside": files("garbage/glass", "garbage/metal", "unlabelled"),
    "several data sets": files("dataset1/cats", "dataset1/dogs", "dataset2/cats", "dataset2/dogs"),
    "annotations without endings": files("images/Images/Pug", "images/Images/Beagle", *("annotations/Annotation/Pug",))
    + [f"annotations/Annotation/Beagle/n{number}" for number in range(6)],
    "segmentations": files(
        "CUB/images/001.Gull", "CUB/images/002.Tern", "segmentations/001.Gull", "segmentations/002.Tern"
    ),
    "more of the same": files("cats", "dogs", "more/cats", "more/dogs"),
}


@pytest.mark.parametrize("names", LEVELS.values(), ids=LEVELS)
def test_class_folders_below_the_top_are_found_and_proposed(names: list[str]) -> None:
    assert fault(*names).code == "archive_wrong_level"


@pytest.mark.parametrize(
    ("case", "use", "others"),
    [
        ("annotations without endings", "images/Images", ["annotations"]),
        ("segmentations", "CUB/images", ["segmentations"]),
    ],
)
def test_of_photographs_and_what_marks_regions_on_them_the_photographs_are_to_be_zipped(
    case: str, use: str, others: list[str]
) -> None:
    found = fault(*LEVELS[case])
    assert (found.details["use"], found.details["others"]) == (use, others)


def test_the_one_folder_with_class_folders_is_the_one_to_zip() -> None:
    found = fault(*LEVELS["documents"])
    assert "'trash-main/dataset' alone" in found.fix
    assert "'trash-main/docs' out of the zip" in found.fix


@pytest.mark.parametrize("beside", ["src/x.py", "docs/a.md", "images/a.md", "labels/a.md", "b.md"])
def test_what_holds_no_photograph_beside_the_data_does_no_harm(beside: str) -> None:
    made = plan(*files("main/garbage/glass", "main/garbage/metal"), f"main/{beside}")
    assert (made.root, list(made.classes)) == ("main/garbage", ["glass", "metal"])


def test_a_class_left_empty_is_not_taken_for_something_beside_the_data() -> None:
    assert fault(*files("cats/indoor", "cats/outdoor"), "dogs/").code == "archive_empty_class"


def test_where_class_folders_may_lie_deeper_the_fix_says_so_too() -> None:
    found = fault(*files("t/garbage/glass", "t/garbage/metal"), "t/yolov5/train.py")
    assert found.code == "archive_empty_class"
    assert "If 'glass' and 'metal' in 'garbage' are your classes, zip the folder 't/garbage' alone." in found.fix


def test_a_split_without_class_folders_and_its_table_are_told_together() -> None:
    found = fault(*files("train", "test"), "labels.csv", "sample_submission.csv")
    assert [each["code"] for each in found.details["faults"]] == ["archive_already_split", "archive_labels_in_table"]


def test_tables_alone_are_no_photographs() -> None:
    assert fault("cats/list.csv", "dogs/list.csv").code == "archive_no_images"


def test_photographs_in_no_folder_are_counted_and_to_be_sorted() -> None:
    found = fault(*[f"{number}.jpg" for number in range(12)])
    assert (found.code, found.details["count"]) == ("archive_no_images", 12)
    assert "12 photographs lie in no folder" in found.message


def test_photographs_beside_the_class_folders_are_left_out_and_the_job_goes_on() -> None:
    made = plan(*files("cats", "dogs"), "cover.jpg")
    assert (made.num_images, [each.path for each in made.set_aside]) == (12, ["cover.jpg"])


def test_a_stray_picture_between_wrappers_makes_them_no_class() -> None:
    made = plan(*files("photos/data/cats", "photos/data/dogs"), "photos/cover.jpg")
    assert (made.root, [each.path for each in made.set_aside]) == ("photos/data", ["photos/cover.jpg"])


@pytest.mark.parametrize(("num_stray", "root"), [(2, ("photos/data", ["cats", "dogs"])), (3, None)])
def test_stray_pictures_up_to_a_tenth_make_a_wrapper_no_class(
    num_stray: int, root: tuple[str, list[str]] | None
) -> None:
    names = [*files("photos/data/cats", "photos/data/dogs", count=9), *files("photos", count=num_stray)]
    if root is None:
        assert fault(*names).details["classes"] == {"photos": 21}
    else:
        assert (plan(*names).root, list(plan(*names).classes)) == root


def test_a_class_with_most_photographs_in_one_folder_inside_is_that_class() -> None:
    assert fault("cats/0.jpg", *files("cats/inside", count=12)).details["classes"] == {"cats": 13}


def test_a_class_of_films_is_told_that_films_are_no_photographs() -> None:
    films = files("dogs", ending="mp4", count=12, name="film 21.7.")
    found = fault(*files("cats"), *films, *files("dogs", count=2))
    assert found.message.startswith("12 of 14 files in 'dogs' cannot be used: .mp4 files are no photographs.")
    assert found.fix.startswith("Put photographs")
    assert found.details["reasons"] == {".mp4": 12}


def test_a_thousand_classes_that_run_short_fit_on_a_screen() -> None:
    found = fault(*files(*[f"person {number:04}" for number in range(1000)], count=2))
    assert "and 995 more" in found.message
    assert len(found.message) < 400


def test_a_folder_for_every_thing_is_told_what_a_folder_stands_for() -> None:
    found = fault(*files(*[f"item {number:04}" for number in range(2500)], count=1))
    assert found.code == "archive_too_many_classes"
    assert found.fix.startswith("Put classes that are alike into one folder, or split them into several zips. A folder")
    assert (found.details["count"], found.details["classes"][0]) == (2500, "item 0000")


@pytest.mark.parametrize(("count", "told"), [(1, "The only photograph lies in"), (2, "All 2 photographs lie in")])
def test_one_class_is_told_with_how_many_photographs_it_has(count: int, told: str) -> None:
    assert f"{told} one folder, 'cats', so there is one class only" in fault(*files("cats", count=count)).message


def test_of_many_classes_with_folders_inside_three_are_shown_and_the_others_counted() -> None:
    names = [f"{group}/{group}{number}" for group in ("apes", "bees", "cats", "dogs", "eels") for number in "xy"]
    [remark] = plan(*files(*names)).remarks
    assert remark.message.endswith("'cats' holds 'catsx' and 'catsy'; and 2 more hold folders too.")
    [remark] = plan(*files(*names[:6])).remarks
    assert remark.message.endswith("'cats' holds 'catsx' and 'catsy'.")


def test_photographs_are_counted_anew_where_a_folder_is_left_out() -> None:
    top = grow((read_entry(index, record), None) for index, record in enumerate(records(files("a", "b", "c/d", "."))))
    rest = top.without([top.folders["b"]])
    assert (top.num_images, rest.num_images) == (24, 18)
    assert [folder.name for folder in rest.holding] == ["a", "c"]


def test_folders_beyond_what_is_told_apart_count_to_the_nearest_above() -> None:
    deep = read_entry(0, Record("/".join(map(str, range(2 * MAX_FOLDERS))) + "/x.jpg"))
    top = grow([(deep, None)])
    assert top.num_images == 1
    assert sum(1 for _ in top.walk()) == MAX_FOLDERS


def test_a_class_that_a_cloud_keeps_elsewhere_is_told_to_be_downloaded() -> None:
    found = fault(*files("cats"), *[f"dogs/.{number}.jpg.icloud" for number in range(6)])
    assert found.code == "archive_empty_class"
    assert "6 of 6 files in 'dogs' cannot be used: It was never downloaded from iCloud" in found.message
    assert found.fix.startswith("Have the folder downloaded")


def test_a_class_that_counts_as_hidden_by_its_name_is_told_of() -> None:
    [remark] = plan(*files("java", "python", ".net", ".git"), ".thumbnails/1.jpg").remarks
    assert remark.code == "hidden_folders"
    assert "'.net'" in remark.message
    assert "6 photographs were left out" in remark.message
    assert ".git" not in remark.message
    assert "begins the name of '.net'" in fault(*files("java", ".net")).fix


def test_a_folder_for_every_photograph_is_told_to_be_none_for_a_class() -> None:
    found = fault(*[f"{number}/photo.jpg" for number in range(40)])
    assert found.code == "class_too_small"
    told = "A folder stands for a class, not for a photograph: put all photographs of one class into one folder."
    assert found.fix.endswith(f"out of the zip. {told}")
    assert told in fault(*files(*"abcde", count=1)).fix
    for few in (files(*"abcd", count=1), files(*"abcde", count=2)):
        assert told not in fault(*few).fix


def test_files_that_are_none_are_called_by_their_kind() -> None:
    assert "12 .mp4 files were found" in fault(*files("run", "walk", ending="mp4")).message
    assert "1 .npz file was found" in fault("data/train.npz").message
    assert "2 other files were found" in fault("data/train.npz", "data/readme.md").message
    assert fault("train-0.tfrecord", "val-0.tfrecord").code == "archive_no_images"


def test_a_bin_of_a_disk_in_the_network_is_no_class() -> None:
    assert list(plan(*files("cats", "dogs", "#recycle", "@Recycle", "lost+found")).classes) == ["cats", "dogs"]


@pytest.mark.parametrize("other", ["Cats", "cats.", "cats ", "\uff43\uff41\uff54\uff53"])
def test_names_that_nobody_could_tell_apart_are_no_two_classes(other: str) -> None:
    assert fault(*files("cats", other, "dogs")).code == "class_names_clash"
    assert fault(*files("black cats", "black\u00a0cats", "dogs")).code == "class_names_clash"


@pytest.mark.parametrize(
    ("train", "test"), [("обучающая", "тестовая"), ("eğitim", "test"), ("훈련", "테스트"), ("Trening", "Testowy")]
)
def test_parts_are_known_in_more_languages(train: str, test: str) -> None:
    made = plan(*files(f"{train}/a", f"{train}/b", f"{test}/a", f"{test}/b"))
    assert made.own is not None
    assert (made.own.names(Role.TRAIN), made.own.names(Role.TEST)) == ((train,), (test,))


def test_a_document_with_pictures_in_it_is_called_so() -> None:
    found = fault("[Content_Types].xml", "word/document.xml", *files("word/media"))
    assert found.code == "archive_no_images"
    assert "a document of Word" in found.message


def test_what_a_camera_writes_beside_photographs_is_no_picture_and_makes_no_class() -> None:
    cards = files("DCIM/cats", "DCIM/dogs")
    beside = ["MISC/AUTPRINT.MRK", "DCIM/CANONMSC/M0100.CTG", "DCIM/cats/1.AAE", "DCIM/dogs/1.THM", "DCIM/dogs/1.LRV"]
    assert set(plan(*cards, *beside).classes) == {"cats", "dogs"}


def test_an_archive_of_hidden_folders_alone_is_told_why_nothing_was_found() -> None:
    told = fault(*files(".export/cats", ".export/dogs"))
    assert told.code == "archive_no_images"
    assert "12 photographs were left out" in told.message
    assert "'.export'" in told.message
    assert "no dot begins its name" in told.fix


@pytest.mark.parametrize(
    "names",
    [
        ("DCIM/100CANON", "DCIM/101CANON"),
        ("DCIM/100APPLE", "DCIM/101APPLE"),
        ("Takeout/Google Photos/Photos from 2019", "Takeout/Google Photos/Photos from 2020"),
        ("Fotos/Fotos von 2019", "Fotos/Fotos von 2020"),
        ("posts/202301", "posts/202302"),
        ("album/2023-05-01", "album/2023-05-02", "album/2023-06"),
    ],
)
def test_who_sends_the_folders_of_a_camera_is_told_that_times_become_classes(names: tuple[str, ...]) -> None:
    [remark] = plan(*files(*names)).remarks
    assert remark.code == "classes_named_by_a_program"
    assert all(name.rpartition("/")[2] in remark.message for name in names)


@pytest.mark.parametrize(
    "names", [("100CANON", "cats"), ("1", "2"), ("100EUROS", "200EUROS"), ("0.5", "1.0"), ("100MG", "200MG")]
)
def test_classes_that_are_numbers_are_none_of_a_camera(names: tuple[str, ...]) -> None:
    assert plan(*files(*names)).remarks == ()
