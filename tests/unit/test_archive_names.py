"""Names of entries as people know them, whatever program wrote them; nothing is refused that harms nobody."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.trainer.data.archive import open_images
from shared.archive.entry import is_encrypted
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.zip_format.content import ContentReader
from shared.archive.zip_format.directory import Record, read_directory
from shared.errors import UserFault
from tests.archive_making import encoded, good_files, photograph, zipped
from tests.zip_making import Member, made

NUM = 5


def members(names: Mapping[str, str] | list[str], page: str = "utf-8", **more: object) -> list[Member]:
    """Return ``NUM`` images for each class, the path of each after ``{}`` was put into the template."""
    return [
        Member(name=template.format(number).encode(page), data=f"{template}{number}".encode(), **more)  # type: ignore[arg-type]
        for template in names
        for number in range(NUM)
    ]


def plan_of(entries: list[Member]) -> ArchivePlan:
    directory = read_directory(io.BytesIO(made(entries)))
    return plan_archive(directory.records, data_end=directory.start)


def refusal_of(entries: list[Member]) -> UserFault:
    with pytest.raises(UserFault) as caught:
        plan_of(entries)
    return caught.value


CATS_AND_DOGS = ["cats/{}.jpg", "dogs/{}.jpg"]


@pytest.mark.parametrize(
    ("page", "classes"),
    [
        ("cp932", ["ソックス", "ソファ"]),
        ("cp932", ["十円玉", "百円玉"]),
        ("gb18030", ["苹果", "香蕉"]),
        ("cp950", ["功能", "許可"]),
        ("cp949", ["강아지", "고양이"]),
        ("cp866", ["кошка", "собака"]),
        ("cp437", ["Käfer", "Mücke"]),
    ],
)
def test_classes_in_a_code_page_of_a_country_are_read_and_none_is_cut_at_half_a_character(
    page: str, classes: list[str]
) -> None:
    plan = plan_of(members([f"{name}/photo_{{}}.jpg" for name in classes], page))
    assert sorted(plan.classes) == sorted(classes)


def remarks_on(tmp_path: Path, names: list[str], page: str) -> list[str]:
    (tmp_path / "a.zip").write_bytes(made(members(names, page)))
    with open_images(tmp_path / "a.zip") as archive:
        return [remark.message for remark in archive.plan.remarks]


def test_a_person_hears_of_a_code_page_that_was_guessed(tmp_path: Path) -> None:
    [message] = remarks_on(tmp_path, ["松/{}.jpg", "梅/{}.jpg"], "cp932")
    assert message.endswith("they read like Japanese (Shift-JIS).")
    [message] = remarks_on(tmp_path, ["\x81±±/{}.jpg", "\x81±²/{}.jpg"], "latin-1")
    assert "byte by byte" in message


@pytest.mark.parametrize("page", ["utf-8", "cp437"])
def test_nothing_is_said_of_pages_that_the_format_knows(tmp_path: Path, page: str) -> None:
    assert remarks_on(tmp_path, ["Käfer/{}.jpg", "Mücke/{}.jpg"], page) == []


def test_classes_told_in_utf8_beside_the_code_page_stay_apart() -> None:
    plan = plan_of(members(["松/{}.jpg", "梅/{}.jpg"]))
    assert sorted(plan.classes) == ["松", "梅"]


def test_composed_and_decomposed_spellings_are_one_class_and_escapes_tell_strange_names_apart() -> None:
    plan = plan_of(
        members(["caf\u00e9/{}.jpg", "cafe\u0301/b{}.jpg", "a\u202eb/{}.jpg", "ab/{}.jpg", "ab\u200b/{}.jpg"])
    )
    assert sorted(plan.classes) == [r"a\u202eb", r"ab", r"ab\u200b", "caf\u00e9"]
    assert all(name.isprintable() for name in plan.classes)
    assert len(plan.classes["caf\u00e9"]) == 2 * NUM


def test_a_folder_that_comes_in_utf8_and_in_a_code_page_is_one_class() -> None:
    beside = [Member(name="Käfer/蝶.jpg".encode(), flags=0x800), *members(["Mücke/{}.jpg"], "cp437")]
    plan = plan_of([*members(["Käfer/{}.jpg"], "cp437"), *beside])
    assert {name: len(entries) for name, entries in plan.classes.items()} == {"Käfer": NUM + 1, "Mücke": NUM}


def test_file_names_are_fit_to_be_shown_wherever_they_go() -> None:
    plan = plan_of([*members(CATS_AND_DOGS), Member(name=b"cats/\x1b[2J.jpg"), Member(name=b"dogs/\x07.txt")])
    paths = [entry.path for entries in plan.classes.values() for entry in entries]
    assert r"cats/\x1b[2J.jpg" in paths
    assert [each.path for each in plan.set_aside] == [r"dogs/\x07.txt"]


@pytest.mark.parametrize(
    "template",
    [
        "/{}/{{}}.jpg",
        "../photos/{}/{{}}.jpg",
        "./{}/{{}}.jpg",
        "C:/photos/{}/{{}}.jpg",
        "C:\\photos\\{}\\{{}}.jpg",
        "\\\\server\\share\\{}\\{{}}.jpg",
        "{}\\{{}}.jpg",
        "photos/other/../{}/{{}}.jpg",
    ],
)
def test_where_the_packing_program_stood_does_not_matter(template: str) -> None:
    plan = plan_of([Member(name=b"/"), *members([template.format(name) for name in ("cats", "dogs")])])
    assert list(plan.classes) == ["cats", "dogs"]
    assert plan.num_images == 2 * NUM
    for entry in (entry for entries in plan.classes.values() for entry in entries):
        assert ".." not in entry.path
        assert not entry.path.startswith("/")


@pytest.mark.parametrize("classes", [["A: healthy", "B: sick", "C: severe"], ["1: a", "z:b"]])
def test_a_colon_in_a_class_is_no_drive(classes: list[str]) -> None:
    plan = plan_of(members([f"{name}/{{}}.jpg" for name in classes], made_by=3 << 8))
    assert list(plan.classes) == classes


@pytest.mark.parametrize("attributes", [0x420, 0x400, 0x480421, 0x401020])
def test_an_attribute_of_windows_is_no_link(attributes: int) -> None:
    assert plan_of(members(CATS_AND_DOGS, attributes=attributes)).num_images == 2 * NUM


LINK = {"attributes": 0o120777 << 16, "made_by": 3 << 8}


@pytest.mark.parametrize("system", [3, 19])
def test_a_link_that_unix_or_macos_wrote_is_one_and_left_out(system: int) -> None:
    link = Member(name=b"cats/link.jpg", data=b"../a.jpg", attributes=LINK["attributes"], made_by=system << 8)
    plan = plan_of([*members(CATS_AND_DOGS), link])
    assert plan.num_images == 2 * NUM
    assert [(each.path, each.reason) for each in plan.set_aside] == [("cats/link.jpg", "link")]


def test_an_archive_of_links_is_called_one() -> None:
    fault = refusal_of(members(CATS_AND_DOGS, **LINK)).fault
    assert fault.code == "archive_links"
    assert "without `-y`" in fault.fix


@pytest.mark.parametrize("unused", ["cats/clip.mp4", "cats/notes.txt", "__MACOSX/cats/._1.jpg", "cats/more.zip"])
@pytest.mark.parametrize(
    "trouble", [{"method": 9}, {"method": 99, "flags": 1}, {"attributes": 0o120777 << 16, "made_by": 768}]
)
def test_what_is_not_used_may_be_packed_in_any_way(unused: str, trouble: Mapping[str, int]) -> None:
    odd = Member(name=unused.encode(), packed=b"whatever", size_bytes=3 * 2**30, **trouble)  # type: ignore[arg-type]
    assert plan_of([*members(CATS_AND_DOGS), odd, odd]).num_images == 2 * NUM


@pytest.mark.parametrize(
    ("method", "name", "words"),
    [
        (1, "Shrink", ("7-Zip", "Deflate")),
        (6, "Implode", ("7-Zip", "Deflate")),
        (9, "Deflate64", ("Windows Explorer", "2 GB", "7-Zip", "Deflate")),
        (12, "bzip2", ("7-Zip", "Deflate")),
        (14, "LZMA", ("7-Zip", "Deflate")),
        (20, "Zstandard (old)", ("7-Zip", "Deflate")),
        (93, "Zstandard", ("7-Zip", "Deflate")),
        (95, "xz", ("7-Zip", "Deflate")),
        (96, "JPEG", ("7-Zip", "Deflate")),
        (97, "WavPack", ("7-Zip", "Deflate")),
        (98, "PPMd", ("7-Zip", "Deflate")),
        (77, "number 77", ("7-Zip", "Deflate")),
    ],
)
def test_a_method_that_is_not_read_is_named_with_what_to_do(method: int, name: str, words: tuple[str, ...]) -> None:
    fault = refusal_of(members(CATS_AND_DOGS, method=method, packed=b"??")).fault
    assert fault.code == "archive_unsupported_compression"
    assert f"({name})" in fault.message
    assert all(word in fault.fix for word in words)


@pytest.mark.parametrize(
    "names", [("p.z01", "p.z02", "p.zip"), ("p.zip.001", "p.zip.002"), ("p.part1.rar", "p.part2.rar")]
)
def test_parts_of_a_split_archive_inside_a_zip_are_to_be_joined_first(names: tuple[str, ...]) -> None:
    fault = refusal_of([Member(name=name.encode(), data=b"?") for name in names]).fault
    assert fault.code == "archive_no_images"
    assert "parts of a split archive" in fault.message
    assert fault.fix.startswith("Join the parts first")


def test_only_the_flags_of_encryption_ask_for_a_password() -> None:
    assert [bit for bit in range(16) if is_encrypted(Record("1.jpg", flags=1 << bit))] == [0, 6, 13]


def test_a_fault_names_the_first_places_and_says_how_many_there_are() -> None:
    fault = refusal_of(members([f"{name}/{{}}.jpg" for name in "abcdefg"], flags=1)).fault
    assert (len(fault.details["files"]), fault.details["count"]) == (20, 35)


def test_files_that_need_a_password_are_told_as_that_and_as_nothing_else() -> None:
    fault = refusal_of(members(CATS_AND_DOGS, method=99, flags=1, packed=b"??")).fault
    assert [each["code"] for each in fault.details["faults"]] == ["archive_encrypted"]


def test_files_that_reach_beyond_their_place_are_damage_and_no_bomb() -> None:
    broken = members(CATS_AND_DOGS)
    far = io.BytesIO(made(broken))
    records = [each._replace(packed_bytes=10**6, size_bytes=10**6) for each in read_directory(far).records]
    records = [each._replace(offset=number * 10**6) for number, each in enumerate(records)]
    with pytest.raises(UserFault, match="reach beyond the place") as caught:
        plan_archive(records, data_end=5_000)
    assert caught.value.fault.code == "archive_damaged"
    sound = read_directory(far).records
    assert plan_archive([records[-1], *sound[:-1]], data_end=5_000).num_images == 2 * NUM


def test_an_entry_is_read_by_its_place_whatever_its_local_header_calls_it() -> None:
    picture = encoded(photograph(1))
    entries = [
        Member(name=f"{name}/{number}.png".encode(), local_name=f"{name}\\{number}.png".encode(), data=picture)
        for name in ("mug", "spoon")
        for number in range(NUM)
    ]
    file = io.BytesIO(made(entries))
    directory = read_directory(file)
    plan = plan_archive(directory.records, data_end=directory.start)
    assert list(plan.classes) == ["mug", "spoon"]
    assert ContentReader(file).read(directory.records[plan.classes["mug"][0].index]) == picture


def test_a_hundred_thousand_folders_are_told_in_a_screenful() -> None:
    entries = [*members(CATS_AND_DOGS), *(Member(name=b"folder %06d/" % number) for number in range(100_000))]
    fault = refusal_of(entries).fault
    assert len(fault.message) < 3_100
    assert len(str(fault.details)) < 30_000


@pytest.mark.parametrize("kept", [15_000, 400])
def test_the_last_part_of_a_split_archive_is_told_that_there_may_be_others(kept: int) -> None:
    end = io.BytesIO(zipped(good_files())[-kept:])
    with pytest.raises(UserFault) as caught:
        plan_archive(read_directory(end).records)
    assert caught.value.fault.code == "archive_truncated"
    assert ".001" in caught.value.fault.fix
