"""Rules of the central directory: every fault named, nothing ever leads outside, nothing else ever escapes."""

import io
import random
import zipfile
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archive.entry import Aside
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.safety import ArchiveLimits
from shared.archive.zip_format.directory import Record, read_directory
from shared.errors import Fault, UserFault
from tests.archive_corpus import ACCEPTED, REFUSED, ArchiveCase
from tests.archive_making import good, good_files, zipped


def plan_of(data: bytes, limits: ArchiveLimits | None = None) -> ArchivePlan:
    directory = read_directory(io.BytesIO(data))
    return plan_archive(directory.records, limits, data_end=directory.start)


def listing(*names: str, size_bytes: int = 1000) -> list[Record]:
    """Return a central directory that holds these names."""
    return [
        Record(name, size_bytes=size_bytes, packed_bytes=size_bytes, offset=number * 10_000)
        for number, name in enumerate(names)
    ]


def images(folder: str, count: int = 5) -> list[str]:
    return [f"{folder}/{number}.jpg" for number in range(count)]


@pytest.mark.parametrize("case", [case for case in REFUSED if case.found_in == "directory"], ids=lambda case: case.name)
def test_a_bad_archive_is_refused_with_its_code_a_message_and_a_fix(case: ArchiveCase) -> None:
    with pytest.raises(UserFault) as caught:
        plan_of(case.build())
    fault = caught.value.fault
    assert fault.code == case.code
    assert fault.message.endswith(".")
    assert fault.fix.endswith(".")


def fault_of(infos: list[Record]) -> Fault:
    with pytest.raises(UserFault) as caught:
        plan_archive(infos)
    return caught.value.fault


def test_an_archive_without_images_is_told_what_lies_in_it_instead() -> None:
    fault = fault_of(listing("cats/a.txt", "dogs/b.txt", "__MACOSX/cats/._a.txt"))
    assert fault.message.endswith("2 .txt files were found.")
    assert (fault.details["files"], fault.details["count"]) == (["cats/a.txt", "dogs/b.txt"], 2)
    assert not fault.fix.startswith("Unpack")


def test_an_archive_of_archives_is_to_be_unpacked_first() -> None:
    fault = fault_of(listing("cats.zip", "dogs.zip", "readme.txt"))
    assert "archives inside the archive" in fault.message
    assert fault.fix.startswith("Unpack the inner archives first. ")


def test_every_class_with_too_few_images_is_named_with_how_many_it_has() -> None:
    fault = fault_of(listing(*images("cats", 4), *images("dogs", 5), *images("owls", 1)))
    assert (fault.code, fault.details["classes"]) == ("class_too_small", {"cats": 4, "owls": 1})
    assert fault.message == "Every class needs 5 photographs; too few are in 'cats' (4) and 'owls' (1)."
    assert fault.fix == (
        "Add photographs to these folders until each has at least 5, better 50, or leave them out of the zip."
    )
    told = {name: value for name, value in fault.details.items() if name != "faults"}
    assert told == {"classes": {"cats": 4, "owls": 1}, "min_images": 5}


@pytest.mark.parametrize(("num_films", "is_enough"), [(3, True), (2, False)])
def test_a_class_is_told_to_find_more_photographs_where_those_in_place_of_films_would_not_be_enough(
    num_films: int, *, is_enough: bool
) -> None:
    films = [f"dogs/{number}.mp4" for number in range(num_films)]
    fault = fault_of(listing(*images("cats"), *images("dogs", 2), *films))
    assert fault.fix.startswith("Put photographs, such as JPEG or PNG files, in their place. ")
    assert ("Otherwise leave" in fault.fix, "Add photographs" in fault.fix) == (is_enough, not is_enough)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_an_odd_archive_is_taken_for_what_it_is(case: ArchiveCase) -> None:
    assert tuple(plan_of(case.build()).classes) == case.classes


def test_every_fault_is_reported_at_once() -> None:
    names = [*images("Cats"), *images("cats"), *images("dogs", 2), "birds/", "dogs/locked.jpg", "dogs/odd.jpg"]
    records = listing(*names)
    records[-2] = records[-2]._replace(flags=1)
    records[-1] = records[-1]._replace(method=9)
    with pytest.raises(UserFault) as caught:
        plan_archive(records)
    fault = caught.value.fault
    codes = [each["code"] for each in fault.details["faults"]]
    assert codes == [
        "archive_encrypted",
        "archive_unsupported_compression",
        "class_names_clash",
        "archive_empty_class",
        "class_too_small",
    ]
    assert fault.code == codes[0]
    for place in ("'dogs/locked.jpg'", "'dogs/odd.jpg'", "'Cats' and 'cats'", "'birds'", "'dogs' (4)"):
        assert place in fault.message


def test_limits_are_kept_to_the_byte() -> None:
    names = [*images("cats"), *images("dogs")]
    exact = ArchiveLimits(max_entries=10, max_unpacked_bytes=10_000)
    assert plan_archive(listing(*names), exact).num_images == 10
    with pytest.raises(UserFault, match="at most 9 are allowed"):
        plan_archive(listing(*names), ArchiveLimits(max_entries=9))
    with pytest.raises(UserFault, match="at most 9,999 are allowed"):
        plan_archive(listing(*names), ArchiveLimits(max_unpacked_bytes=9_999))


def test_what_a_system_left_at_the_beginning_of_an_archive_hides_nothing_behind_it() -> None:
    assert plan_archive(listing(".DS_Store", "__MACOSX/._cats", *images("cats"), *images("dogs"))).num_images == 10


def test_the_place_of_the_table_of_contents_is_heeded() -> None:
    records = listing(*images("cats"), *images("dogs"))
    end = records[-1].offset + records[-1].packed_bytes
    assert plan_archive(records, data_end=end).num_images == 10
    with pytest.raises(UserFault) as caught:
        plan_archive(records, data_end=end // 3)
    assert caught.value.fault.code == "archive_damaged"


def test_many_small_bombs_are_one_bomb() -> None:
    infos = listing(*images("cats", 300), *images("dogs", 300), size_bytes=2_000_000)
    with pytest.raises(UserFault) as caught:
        plan_archive([info._replace(packed_bytes=2_000) for info in infos])
    assert caught.value.fault.code == "archive_bomb"


@pytest.mark.parametrize(("size_bytes", "is_bomb"), [(32 * 2**20 - 1, False), (32 * 2**20, True)])
def test_a_plain_bitmap_packs_well_and_is_no_bomb(size_bytes: int, *, is_bomb: bool) -> None:
    infos = listing(*images("cats"), *images("dogs"))
    infos[0] = infos[0]._replace(size_bytes=size_bytes)
    if is_bomb:
        assert fault_of(infos).code == "archive_bomb"
    else:
        assert plan_archive(infos).num_images == 10


def test_a_file_too_big_to_read_is_set_aside_and_the_job_goes_on() -> None:
    infos = listing(*images("cats", 6), *images("dogs"))
    infos[0] = infos[0]._replace(size_bytes=9_000, packed_bytes=9_000)
    plan = plan_archive(infos, ArchiveLimits(max_entry_bytes=8_999))
    assert [each.reason for each in plan.set_aside].count(Aside.TOO_BIG) == 1
    assert plan.num_images == 10


@pytest.mark.parametrize(
    ("names", "root", "classes"),
    [
        ([*images("a/cats"), *images("a/dogs"), "a/readme.txt", "cover.png"], "a", ["cats", "dogs"]),
        ([*images("train/cats"), *images("train/dogs")], "train", ["cats", "dogs"]),
        ([*images("a/b/cats"), *images("a/b/dogs"), "a/b/loose.png"], "a/b", ["cats", "dogs"]),
        ([*images("cats/indoors"), *images("dogs/outdoors/far")], "", ["cats", "dogs"]),
    ],
)
def test_wrapping_folders_come_off_and_deeper_ones_belong_to_their_class(
    names: list[str], root: str, classes: list[str]
) -> None:
    plan = plan_archive(listing(*names))
    assert (plan.root, list(plan.classes)) == (root, classes)
    assert {len(entries) for entries in plan.classes.values()} == {5}


def test_a_lone_class_with_folders_inside_stays_one_class() -> None:
    with pytest.raises(UserFault) as caught:
        plan_archive(listing(*images("cats"), *images("cats/kittens")))
    assert caught.value.fault.code == "archive_one_class"
    assert caught.value.fault.details["classes"] == {"cats": 10}


parts = st.sampled_from(
    ["..", ".", "", "cats", "C:", "c:\\x", "\\", "\\\\host", "\0", "~", "a b", "é", "…", "NUL", "x.png"]
)
names = st.lists(st.one_of(parts, st.text(max_size=6)), max_size=6).flatmap(
    lambda pieces: st.sampled_from(["/", "\\", "//"]).map(lambda joint: joint.join(pieces))
)


@given(names)
def test_no_name_ever_leads_outside(name: str) -> None:
    try:
        plan = plan_archive(listing(name, *images("cats"), *images("dogs"), *images("zebras")))
    except UserFault as refusal:
        assert refusal.fault.fix  # noqa: PT017 - both ends are fine, a path outside is not
        return
    for path in [entry.path for entries in plan.classes.values() for entry in entries]:
        assert ".." not in PurePosixPath(path).parts
        assert ".." not in PureWindowsPath(path).parts
        assert not PurePosixPath(path).is_absolute()
        assert not PureWindowsPath(path).anchor
        assert "\0" not in path


def test_garbled_bytes_end_in_a_plan_or_a_fault_and_in_nothing_else() -> None:
    whole = zipped(good_files("photos/"), zipfile.ZIP_DEFLATED)
    directory_start = whole.index(b"PK\x01\x02")
    generator = random.Random(5)
    outcomes = set()
    for _ in range(400):
        garbled = bytearray(whole)
        for _ in range(generator.randint(1, 6)):
            garbled[generator.randrange(directory_start, len(whole))] = generator.randrange(256)
        try:
            outcomes.add(plan_of(bytes(garbled)).num_classes)
        except UserFault as refusal:
            outcomes.add(refusal.fault.code)
    assert {2, "archive_damaged", "archive_truncated"} <= outcomes


def test_whatever_cuts_the_archive_short_it_is_called_cut_off() -> None:
    whole = good()
    for length in range(100, len(whole), 997):
        with pytest.raises(UserFault) as caught:
            plan_of(whole[:length])
        assert caught.value.fault.code == "archive_truncated"


def test_more_classes_than_anybody_tells_apart_are_refused_with_the_number_that_is_taken() -> None:
    limits = ArchiveLimits(max_classes=3)
    plan_archive(listing(*images("a"), *images("b"), *images("c")), limits)
    with pytest.raises(UserFault, match="has 4 class folders; at most 3") as caught:
        plan_archive(listing(*images("a"), *images("b"), *images("c"), *images("d")), limits)
    assert caught.value.fault.code == "archive_too_many_classes"
