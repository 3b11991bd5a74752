"""Archives that say in files, and not in folders, what is on photographs: told what they are, and what to do."""

import pytest

from tests.archive_listing import fault, files, plan

PAIRS = {
    "YOLO": (files("images/train", "images/val"), files("labels/train", "labels/val", ending="txt"), "YOLO"),
    "YOLO by parts": (files("train/images"), files("train/labels", ending="txt"), "YOLO"),
    "YOLO in one folder": (files("obj_train_data"), files("obj_train_data", ending="txt"), "YOLO"),
    "Pascal VOC": (files("V/JPEGImages"), [*files("V/Annotations", ending="xml"), "V/Main/train.txt"], "Pascal VOC"),
    "Pascal VOC by parts": (files("train", "test"), files("train", "test", ending="xml"), "Pascal VOC"),
    "LabelMe": (files("photos"), files("photos", ending="json"), "LabelMe"),
}


@pytest.mark.parametrize(("photographs", "boxes", "kind"), PAIRS.values(), ids=PAIRS)
def test_boxes_in_a_file_for_each_photograph_are_called_by_their_kind(
    photographs: list[str], boxes: list[str], kind: str
) -> None:
    found = fault(*photographs, *boxes)
    assert found.code == "archive_other_task"
    number, ending = len(photographs), boxes[0].rpartition(".")[2]
    told = f"({kind}): {number} photographs of {number} have a .{ending} file of the same name. "
    assert told in found.message
    folders = sorted({name.rpartition("/")[0] for name in photographs})
    about = {name: value for name, value in found.details.items() if name != "faults"}
    assert about == {"task": "object_detection", "format": kind, "folders": folders}


@pytest.mark.parametrize(("num_images", "num_boxes"), [(20, 8), (15, 3), (3, 3)])
def test_a_set_whose_boxes_are_half_drawn_is_one_for_detection(num_images: int, num_boxes: int) -> None:
    found = fault(*files("photos", count=num_images), *files("photos", ending="xml", count=num_boxes))
    assert f"{num_boxes} photographs of {num_images} have a .xml file" in found.message


@pytest.mark.parametrize(("num_images", "num_boxes"), [(16, 3), (2, 2), (100, 3)])
def test_a_few_files_that_happen_to_be_called_like_photographs_are_no_boxes(num_images: int, num_boxes: int) -> None:
    found = fault(*files("photos", count=num_images), *files("photos", ending="xml", count=num_boxes))
    assert found.code == "archive_labels_in_table"


DESCRIBED = {
    "YOLO": ("data.yaml", "dataset.yml", "coco.yaml", "voc.yml"),
    "COCO": (
        *("annotations/instances_train2017.json", "train/_annotations.coco.json", "train.coco.json", "coco.json"),
        *("instances_2017.json", "createml.json", "keypoints.json", "labels/all.json", "labels_2/all.json"),
        *("annotations.json", "annotations_train.json", "annotation.json"),
    ),
    "boxes in a table": ("train/_annotations.csv", "bboxes.csv", "bbox.csv", "boxes.csv"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in DESCRIBED.items() for name in names])
def test_a_file_that_describes_boxes_of_all_photographs_is_known_by_its_name(kind: str, name: str) -> None:
    found = fault(*files("train", "valid"), name)
    assert found.code == "archive_other_task"
    assert f"({kind}): '{name}' describes such a data set." in found.message
    assert found.details["format"] == kind


MASKS = {
    "beside": [*files("images"), *files("masks", ending="png")],
    "by parts": [*files("train/images", "test/images"), *files("train/masks", "test/masks", ending="png")],
    "in folders of parts": [*files("images/train", "images/val"), *files("masks/train", "masks/val", ending="png")],
    "for half of the photographs": [*files("images", count=6), *files("masks", ending="png", count=3)],
    "among photographs": [*files("benign", "normal", name="x"), *[f"benign/x{n}_mask.png" for n in range(6)]],
    "of names with dashes": [*files("images", name="a-b-"), *[f"masks/a-b-{n}_mask.png" for n in range(6)]],
    "of names with other marks": [*files("images", name="a-b_"), *[f"masks/a_b-{n}-mask.png" for n in range(6)]],
    "marked by dashes": [*files("benign", "normal", name="x.v2_"), *[f"benign/x.v2_{n}-seg.png" for n in range(6)]],
}


@pytest.mark.parametrize("names", MASKS.values(), ids=MASKS)
def test_pictures_that_mark_regions_on_others_are_no_photographs(names: list[str]) -> None:
    found = fault(*names)
    assert (found.code, found.details["task"]) == ("archive_other_task", "segmentation")


@pytest.mark.parametrize(("num_images", "num_masks"), [(7, 3), (2, 2)])
def test_too_few_masks_to_be_sure_of_are_taken_for_photographs(num_images: int, num_masks: int) -> None:
    found = fault(*files("images", count=num_images), *files("masks", ending="png", count=num_masks))
    assert found.code == "class_too_small"


def test_a_few_names_like_those_of_masks_refuse_no_archive() -> None:
    few = [f"benign/x{number}_mask.png" for number in range(3)]
    assert plan(*files("benign", "normal", name="x", count=20), *few).num_images == 43


def test_a_photograph_that_is_called_like_a_mask_of_no_other_is_a_photograph() -> None:
    masked = [f"{name}/{number}_mask.jpg" for name in ("masked", "bare") for number in range(6)]
    assert plan(*masked).num_images == 12
    assert plan(*files("masked", "bare", name="mask")).num_images == 12


def test_the_classes_to_sort_masked_photographs_by_are_not_read_from_the_masks() -> None:
    photographs = [*files("images", name="cat."), *files("images", name="dog.")]
    masks = [*files("masks", name="cat.", ending="png"), *files("masks", name="palette.", ending="png")]
    assert fault(*photographs, *masks).fix.endswith("begin with the class, 'cat' and 'dog': sort by it.")


TABLES = {
    "one folder": ([*files("images"), "labels.csv"], "lie all in one folder, 'images', and"),
    "no folder": ([*[f"{number}.jpg" for number in range(9)], "train.csv"], "lie in no folder, and"),
    "some in no folder": (
        [*files("images"), "a.jpg", "train.csv"],
        "The 7 photographs lie in the folders '.' and 'images', and",
    ),
    "numbered folders": (
        [*files("HAM10000_images_part_1", "HAM10000_images_part_2"), "HAM10000_metadata.csv"],
        "lie in the folders 'HAM10000_images_part_1' and 'HAM10000_images_part_2', and",
    ),
    "batches": (
        [*files("skin_batch_1", "skin_batch_2"), "labels.csv"],
        "folders 'skin_batch_1' and 'skin_batch_2', and",
    ),
    "numbered photographs": (
        [*files("skin_images_part_1", "skin_images_part_2"), "labels.csv"],
        "lie in the folders 'skin_images_part_1' and 'skin_images_part_2', and",
    ),
    "list": ([*files("jpg"), "imagelabels.mat", "labels.txt"], "lie all in one folder, 'jpg', and"),
    "of a labelling tool": ([*files("images"), "result.json"], "lie all in one folder, 'images', and"),
    "spreadsheet": ([*files("d/photos"), "d/list.xlsx"], "lie all in one folder, 'd/photos', and"),
}


@pytest.mark.parametrize(("names", "where"), TABLES.values(), ids=TABLES)
def test_who_sends_a_table_of_labels_is_told_that_it_is_not_read(names: list[str], where: str) -> None:
    found = fault(*names)
    assert found.code == "archive_labels_in_table"
    assert where in found.message
    assert f"'{names[-1]}'" in found.message
    assert "does not read tables" in found.message


@pytest.mark.parametrize("table", ["data.json", "Beschriftung.txt", "Traindata.mat", "images.txt", "train_y.npy"])
def test_any_list_beside_photographs_without_classes_may_hold_the_labels(table: str) -> None:
    assert fault(*files("images"), table).code == "archive_labels_in_table"


@pytest.mark.parametrize(("folder", "name"), [("images", "README.txt"), ("images", "train.py"), ("cats", "notes.txt")])
def test_what_lies_beside_one_class_and_is_no_table_of_labels_is_not_taken_for_one(folder: str, name: str) -> None:
    assert fault(*files(folder), name).code == "archive_one_class"
