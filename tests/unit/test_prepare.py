"""From zip to data set: what goes in comes out, once, in order, whatever the zip is like."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from services.trainer.data.archive import read_files
from services.trainer.data.dataset import Dataset
from services.trainer.data.pictures.square_file import SquareFile
from services.trainer.data.prepare import identify, prepare
from services.trainer.data.repetition import remarks_on_own_split
from services.trainer.run.context import Run, Stopped
from shared.errors import UserFault
from shared.job.options import JobOptions, SplitChoice
from shared.job.retraining.correction import Correction
from shared.job.retraining.handover import Handover
from tests.archive_corpus import ACCEPTED, REFUSED, ArchiveCase
from tests.archive_making import encoded, good, good_files, photograph, zipped
from tests.training_fixture import null_ledger, still_countdown

if TYPE_CHECKING:
    from shared.job.progress import Progress


def make_run(directory: Path, **changes: object) -> Run:
    whole = {
        "directory": directory,
        "seed": 3,
        "report": lambda progress: None,
        "stop_reason": lambda: None,
        "countdown": still_countdown(),
        "ledger": null_ledger(),
    }
    return Run(**(whole | changes))


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[..., Dataset]:
    """Return a function that prepares a zip given as bytes; what it does under one name are attempts at one job."""
    ledger = null_ledger()

    def go(data: bytes, *sizes_px: int, name: str = "run", **changes: object) -> Dataset:
        archive = tmp_path / f"{name}.zip"
        archive.write_bytes(data)
        run = make_run(tmp_path / name, **{"ledger": ledger, **changes})
        return prepare(archive, run, key=identify(archive, JobOptions(seed=3)), sizes_px=sizes_px or (32,))

    return go


def test_a_person_is_told_that_the_range_of_deep_greys_was_judged(prepared: Callable[..., Dataset]) -> None:
    def grey(seed: int, scale: float, lowest: int) -> bytes:
        values = np.asarray(photograph(seed, mode="L"), np.float64) * scale + lowest
        return encoded(Image.fromarray(values.astype(np.uint16)))

    files = {f"cold/{number}.png": grey(number, 4.0, 0) for number in range(6)}
    files |= {f"warm/{number}.png": grey(50 + number, 6.0, 29_500) for number in range(6)}
    (remark,) = prepared(zipped(files)).remarks
    assert remark.code == "grey_range_judged"
    assert "12 photographs" in remark.message
    assert "10 bits (6)" in remark.message
    assert "narrow" in remark.message
    assert "8 bits" in remark.fix


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_an_odd_archive_becomes_the_data_set_it_should(case: ArchiveCase, prepared: Callable[..., Dataset]) -> None:
    dataset = prepared(case.build())
    assert dataset.classes == case.classes
    assert dataset.num_images == len(dataset.labels) == len(dataset.images(32)) == case.num_images
    assert {each.path: each.code for each in dataset.quarantined} == dict(case.quarantined)
    assert dataset.duplicates.exact == case.num_exact
    assert tuple(conflict.paths for conflict in dataset.duplicates.conflicts) == case.conflicts
    assert all(each.reason and each.fix for each in dataset.quarantined)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_bad_archive_is_refused_here_too(case: ArchiveCase, prepared: Callable[..., Dataset]) -> None:
    with pytest.raises(UserFault) as caught:
        prepared(case.build())
    assert caught.value.fault.code == case.code


def test_every_row_is_the_picture_of_its_path_at_every_size(prepared: Callable[..., Dataset]) -> None:
    files = good_files() | {"dogs/cat.png": good_files()["cats/2.png"], "cats/copy.png": good_files()["cats/4.png"]}
    dataset = prepared(zipped(files), 24, 40)
    assert dataset.sizes_px == (24, 40)
    assert "cats/2.png" not in dataset.paths  # its copy among the dogs contradicts it
    originals = {
        f"{name}/{number}.png": 100 * label + number
        for label, name in enumerate(("cats", "dogs"))
        for number in range(6)
    }
    for row, path in enumerate(dataset.paths):
        assert path.startswith(dataset.classes[dataset.labels[row]])
        for px in dataset.sizes_px:
            expected = photograph(originals[path]).resize((px, px), Image.Resampling.BILINEAR)
            assert np.array_equal(dataset.images(px)[row], np.asarray(expected))
    with pytest.raises(KeyError, match="asked for 224 px"):
        dataset.images(224)


def test_the_order_of_the_archive_changes_nothing(prepared: Callable[..., Dataset]) -> None:
    files = good_files(classes=("ants", "bees", "cats"))
    backwards = dict(reversed(files.items()))
    one, other = prepared(zipped(files), name="one"), prepared(zipped(backwards), name="other")
    assert one.paths == other.paths
    assert np.array_equal(one.images(32), other.images(32))
    for part in ("train", "validation", "test"):
        assert np.array_equal(getattr(one.split, part), getattr(other.split, part))


def test_a_finished_data_set_is_loaded_and_not_made_again(prepared: Callable[..., Dataset]) -> None:
    seen: list[Progress] = []
    first = prepared(good(), 32, 48, report=seen.append)
    assert [progress.done for progress in seen] == list(range(1, 13))
    assert {(progress.phase, progress.total, progress.unit) for progress in seen} == {("prepare", 12, "images")}
    seen.clear()
    again = prepared(good(), 48, 32, report=seen.append)
    assert not seen
    assert (again.classes, again.paths, again.sizes_px) == (first.classes, first.paths, first.sizes_px)
    assert (again.quarantined, again.duplicates) == (first.quarantined, first.duplicates)
    assert np.array_equal(again.labels, first.labels)
    assert np.array_equal(again.split.test, first.split.test)
    assert again.labels.dtype == np.int32
    prepared(good(), 32, 48, 64, report=seen.append)
    assert len(seen) == 12, "another size was asked for, so the old data set does not do"


@pytest.mark.parametrize("stop_after", [0, 7])
def test_a_stop_leaves_nothing_that_looks_finished(stop_after: int, prepared: Callable[..., Dataset]) -> None:
    seen: list[Progress] = []
    with pytest.raises(Stopped) as caught:
        prepared(good(), report=seen.append, stop_reason=lambda: "cancelled" if len(seen) >= stop_after else None)
    assert caught.value.reason == "cancelled"
    assert len(seen) == stop_after
    assert prepared(good()).num_images == 12


def test_too_few_images_left_names_the_class_and_the_files(prepared: Callable[..., Dataset]) -> None:
    bad = {f"dogs/{number}.png": b"no picture" for number in range(3)}
    with pytest.raises(UserFault) as caught:
        prepared(zipped(good_files() | bad))
    fault = caught.value.fault
    assert fault.code == "class_too_small"
    assert fault.details["classes"] == {"dogs": 3}
    assert fault.details["files"] == sorted(bad)


def test_near_duplicates_stay_on_one_side(prepared: Callable[..., Dataset]) -> None:
    files = {
        f"{name}/{number}_{quality}.jpg": encoded(photograph(label * 50 + number, (120, 96)), "JPEG", quality=quality)
        for label, name in enumerate(("cats", "dogs"))
        for number in range(20)
        for quality in (60, 90)
    }
    dataset = prepared(zipped(files, zipfile.ZIP_STORED), 64)
    assert dataset.duplicates.near_groups == 40
    side = {}
    for part in (dataset.split.train, dataset.split.validation, dataset.split.test):
        for row in part:
            picture = dataset.paths[row].rpartition("_")[0]
            assert side.setdefault(picture, id(part)) == id(part)


def test_images_taken_out_of_a_file_leave_no_gap(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (120, 4, 4, 3), np.uint8)
    gone = [0, 7, 8, 118, 119]
    with SquareFile(tmp_path / "a.npy", 4) as file:
        for picture in pictures:
            file.append(picture.tobytes())
        file.drop(gone)
        file.append(pictures[7].tobytes())
    kept = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert np.array_equal(kept, np.concatenate([np.delete(pictures, gone, axis=0), pictures[7:8]]))


def test_a_class_that_runs_short_is_told_the_commonest_reason_and_what_mends_it(
    prepared: Callable[..., Dataset],
) -> None:
    files = good_files() | {f"owls/{number}.jpg": b"no picture at all" for number in range(11)}
    files |= {"owls/empty.jpg": b"", "owls/good.png": encoded(photograph(7))}
    with pytest.raises(UserFault) as caught:
        prepared(zipped(files))
    fault = caught.value.fault
    assert fault.message.startswith("11 of 13 files in 'owls' cannot be used: The content is no picture of a kind")
    assert "1 more cannot be used for other reasons." in fault.message
    assert "too few are in 'owls' (1)" in fault.message
    assert fault.fix.startswith("Save it as JPEG or PNG")
    assert "Add photographs" not in fault.fix
    assert fault.details["reasons"] == {"not_an_image": 11, "image_empty": 1}


def test_a_class_of_copies_is_told_that_copies_count_once(prepared: Callable[..., Dataset]) -> None:
    files = good_files() | {f"owls/{number}.png": encoded(photograph(7 + number // 6)) for number in range(12)}
    with pytest.raises(UserFault) as caught:
        prepared(zipped(files))
    assert caught.value.fault.details["reasons"] == {"identical_copy": 10}
    assert "10 of 12 files in 'owls' cannot be used: The same picture is there more than once" in str(caught.value)


def test_how_folders_were_understood_is_kept_with_the_data_set(prepared: Callable[..., Dataset]) -> None:
    files = {
        f"{top}/{name}": data
        for top in ("animals", "plants")
        for name, data in good_files(classes=(f"{top}1", f"{top}2")).items()
    }
    unlike = {path: encoded(photograph(number)) for number, path in enumerate(files)}
    [remark] = prepared(zipped(unlike)).remarks
    assert remark.code == "folders_inside_classes"
    assert prepared(zipped(unlike)).remarks == (remark,)


def in_parts(**sizes: int) -> dict[str, bytes]:
    """Return photographs of two classes in folders that are parts, no two alike."""
    seeds = iter(range(1000, 9000))
    return {
        f"d/{part}/{name}/{number}.png": encoded(photograph(next(seeds)))
        for part, size in sizes.items()
        for name in ("cats", "dogs")
        for number in range(size)
    }


def parts_of(dataset: Dataset) -> dict[str, set[str]]:
    """Return the folders that each part of the split was taken from."""
    split = dataset.split
    rows = {"train": split.train, "validation": split.validation, "test": split.test}
    return {part: {dataset.paths[row].split("/")[1] for row in found} for part, found in rows.items()}


def test_a_split_of_the_persons_own_is_the_split(prepared: Callable[..., Dataset]) -> None:
    dataset = prepared(zipped(in_parts(train=8, val=3, test=4)))
    assert parts_of(dataset) == {"train": {"train"}, "validation": {"val"}, "test": {"test"}}
    assert [len(part) for part in (dataset.split.train, dataset.split.validation, dataset.split.test)] == [16, 6, 8]
    assert dataset.own is not None
    assert (dataset.own.train, dataset.own.validation, dataset.own.test) == (("train",), ("val",), ("test",))
    [remark] = remarks_on_own_split(dataset)
    assert remark.message == (
        "Your own split was used: 16 photographs to learn from ('train'), 6 to choose with ('val'), "
        "8 to test with ('test')."
    )


def test_what_a_split_lacks_is_taken_from_the_photographs_to_learn_from(prepared: Callable[..., Dataset]) -> None:
    tested = prepared(zipped(in_parts(train=8, test=4)), name="tested")
    assert parts_of(tested) == {"train": {"train"}, "validation": {"train"}, "test": {"test"}}
    assert len(tested.split.test) == 8
    chosen = prepared(zipped(in_parts(train=8, valid=4)), name="chosen", ledger=null_ledger())
    assert parts_of(chosen) == {"train": {"train"}, "validation": {"valid"}, "test": {"train"}}
    assert chosen.is_whole
    for used in (tested, chosen):
        [remark] = remarks_on_own_split(used)
        assert (remark.code, remark.message.partition(":")[0]) == ("own_split_used", "Your own split was used")
    assert "2 to test with (taken from 'train')" in remark.message
    alone = prepared(zipped(in_parts(train=8) | {"d/test/1.png": encoded(photograph(99))}), name="alone")
    assert alone.is_whole
    [made] = remarks_on_own_split(alone)
    assert made.code == "own_split_made"
    assert "split=new" not in made.fix, "there is nothing to put together"
    assert "add a folder 'test'" in made.fix


def test_a_copy_of_a_test_photograph_is_not_learnt_from(prepared: Callable[..., Dataset]) -> None:
    files = in_parts(train=12, val=3, test=4)
    files["d/train/cats/same.png"] = files["d/test/cats/1.png"]
    files["d/val/cats/same.png"] = files["d/test/cats/1.png"]
    files["d/train/dogs/mirrored.png"] = encoded(
        photograph(1000 + 24 + 6 + 4).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    )
    dataset = prepared(zipped(files))
    used = {dataset.paths[row] for row in (*dataset.split.train, *dataset.split.validation)}
    assert used.isdisjoint({"d/train/cats/same.png", "d/val/cats/same.png", "d/train/dogs/mirrored.png"})
    assert len(dataset.split.test) == 8, "nothing is ever taken from a test"
    told = {each.path for each in dataset.quarantined if each.code == "copy_of_held_back"}
    assert told == {"d/train/cats/same.png", "d/val/cats/same.png", "d/train/dogs/mirrored.png"}
    assert dataset.duplicates.num_given_way == 3
    message = remarks_on_own_split(dataset)[0].message
    assert message.startswith("Your own split was used: ")
    assert "3 photographs of your parts were left out" in message
    assert not dataset.duplicates.repeated


def test_where_hardly_anything_would_be_left_copies_stay_and_are_told(prepared: Callable[..., Dataset]) -> None:
    files = in_parts(train=8, test=8)
    for number in range(6):
        picture = photograph(1000 + 16 + number).resize((90, 70), Image.Resampling.BICUBIC)
        files[f"d/train/cats/{number}.png"] = encoded(picture)
    dataset = prepared(zipped(files))
    [repeated] = dataset.duplicates.repeated
    assert (repeated.name, repeated.num_test_straddling) == ("cats", 6)
    assert dataset.duplicates.num_given_way == 0


def test_a_later_attempt_keeps_the_persons_split_though_a_class_has_no_test(
    prepared: Callable[..., Dataset], tmp_path: Path
) -> None:
    files = {path: data for path, data in in_parts(train=8, test=4).items() if not path.startswith("d/test/dogs")}
    files["d/train/cats/same.png"] = files["d/test/cats/1.png"]
    first = prepared(zipped(files))
    document = tmp_path / "run" / "dataset" / "dataset.json"
    assert document.exists()
    assert prepared(zipped(files)).own == first.own
    document.unlink()
    assert "Nothing tests 'dogs'" in remarks_on_own_split(first)[0].message
    again = prepared(zipped(files))
    assert again.split_sha256 == first.split_sha256
    assert again.own == first.own
    assert again.duplicates == first.duplicates


def test_parts_that_are_put_together_are_split_anew(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(in_parts(train=8, test=4)))
    own, new = (identify(archive, JobOptions(seed=3, split=choice)) for choice in SplitChoice)
    assert own != new
    assert "split" not in own.facts
    dataset = prepare(archive, make_run(tmp_path / "run"), key=new, sizes_px=[32])
    assert dataset.own is None
    assert parts_of(dataset)["train"] == {"train", "test"}


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_part_of_a_split_is_no_site_where_classes_have_their_parts_inside(tmp_path: Path, *, is_loaded: bool) -> None:
    files = {}
    for path, data in in_parts(train=12, val=3, test=4).items():
        _, part, name, file = path.split("/")
        site = "north/" if file in {"0.png", "1.png"} and part == "train" else ""
        files[f"{name}/{part}/{site}{file}"] = data
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(files))
    key, run = identify(archive, JobOptions(seed=3, group_by="folder")), make_run(tmp_path / "run")
    for _ in range(1 + is_loaded):
        dataset = prepare(archive, run, key=key, sizes_px=[32])
    assert dataset.own is not None
    sizes = np.unique(dataset.learning.kept_together, return_counts=True)[1]
    assert sorted(sizes[sizes > 1]) == [4], "two photographs of the site in each of two classes"


def test_a_site_is_one_where_the_zip_is_called_like_a_class_and_where_photographs_are_moved_to_another(
    tmp_path: Path,
) -> None:
    files = {
        f"cats/{name}/site{site}/{number}.png": encoded(photograph(5000 + 100 * offset + 3 * site + number))
        for offset, name in enumerate(("cats", "dogs"))
        for site in range(5)
        for number in range(3)
    }
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(files))
    parts = {path: ("test", "validation", "train")[min(int(path.split("/")[2][-1]), 2)] for path in files}
    moved = Correction(path="cats/cats/site3/0.png", move_to="dogs")
    handed = Handover(job_id="1", winner="tiny", corrections=(moved,), parts=parts, said={})
    for handover in (None, handed):
        key = identify(archive, JobOptions(seed=3, group_by="folder"), handover)
        run = make_run(tmp_path / f"run{handover is None}")
        dataset = prepare(archive, run, key=key, sizes_px=[32], handover=handover)
        sites = [path.split("/")[2] for path in dataset.paths]
        assert {len(set(dataset.given[np.array(sites) == site])) for site in set(sites)} == {1}
        assert len(set(dataset.given)) == 5


def test_what_a_person_wants_together_stays_off_the_test_that_has_some_of_it(tmp_path: Path) -> None:
    files = {path.replace("/0.png", "/ann_0.png"): data for path, data in in_parts(train=12, test=4).items()}
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(files))
    key = identify(archive, JobOptions(seed=3, group_by="prefix"))
    dataset = prepare(archive, make_run(tmp_path / "run"), key=key, sizes_px=[32])
    learnt = {dataset.paths[row] for row in (*dataset.split.train, *dataset.split.validation)}
    assert not [path for path in learnt if "ann_" in path]
    assert len(dataset.split.test) == 8


def test_a_site_is_one_in_whichever_part_it_lies(tmp_path: Path) -> None:
    sites = [("train", "cats", site) for site in range(6)] + [("train", "dogs", site) for site in range(6)]
    sites += [("test", name, site) for name in ("Cats", "Dogs") for site in (5, 6)]
    files = {
        f"d/{part}/{name}/site{site}/{number}.png": encoded(photograph(3000 + 3 * position + number))
        for position, (part, name, site) in enumerate(sites)
        for number in range(3)
    }
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(files))
    key = identify(archive, JobOptions(seed=3, group_by="folder"))
    dataset = prepare(archive, make_run(tmp_path / "run"), key=key, sizes_px=[32])
    learnt = {dataset.paths[row] for row in (*dataset.split.train, *dataset.split.validation)}
    assert len(dataset.split.test) == 12
    assert not [path for path in learnt if "/site5/" in path]
    assert [path for path in learnt if "/site4/" in path]


def test_photographs_are_found_again_by_path_whatever_their_folders_mean(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"train/Cats/1.png": b"one", "test/cats/1.png": b"two", "test/cats/": b""}))
    assert list(read_files(archive, ["test/cats/1.png", "train/Cats/1.png"])) == [b"two", b"one"]
    with pytest.raises(KeyError):
        list(read_files(archive, ["test/cats/2.png"]))


def test_a_part_of_which_nothing_can_be_read_is_named(prepared: Callable[..., Dataset]) -> None:
    files = in_parts(train=8) | {f"d/test/{name}/1.png": b"no picture" for name in ("cats", "dogs")}
    with pytest.raises(UserFault) as caught:
        prepared(zipped(files))
    assert caught.value.fault.code == "archive_already_split"
    assert "none of the photographs in 'test' can be used" in str(caught.value)


def test_a_part_that_is_a_copy_of_the_test_is_called_so(prepared: Callable[..., Dataset]) -> None:
    files = in_parts(train=8, test=4)
    files |= {path.replace("/test/", "/val/"): data for path, data in files.items() if "/test/" in path}
    with pytest.raises(UserFault) as caught:
        prepared(zipped(files))
    assert "'val' can be used: they are in the part to test with too" in str(caught.value)
    assert "leave it out: convtailor then takes others" in caught.value.fault.fix
