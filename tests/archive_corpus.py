"""Zips as people send them, good, odd and hostile, with what must become of each.

Every case is real bytes. ``CASES`` is what the tests of intake, trainer and the whole service go through:
``case.build()`` makes the zip, ``case.code`` is the code of the fault (``None``: the job goes on), ``case.found_in``
tells who finds it: ``directory`` (intake, without reading an image) or ``decoding`` (trainer).
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.archive_making import (
    NUM_PER_CLASS,
    bomb,
    claims_too_much,
    encoded,
    files_of_all_modes,
    good,
    good_files,
    huge_png,
    overlapping_bomb,
    patched,
    photograph,
    same_name_twice,
    utf8_without_flag,
    with_files,
    with_link,
    with_name,
    wrong_checksum,
    zipped,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveCase:
    """One archive.

    Args:
        name: For the test's id.
        build: Makes the bytes; the same ones every time.
        code: Of the fault, or ``None``.
        found_in: Where the fault is found.
        classes: Names of the classes, where the job goes on.
        num_images: Images that are used in the end.
        quarantined: Code by path.
        num_exact: Copies dropped.
        conflicts: Paths of the same picture in several classes.
    """

    name: str
    build: Callable[[], bytes]
    code: str | None = None
    found_in: Literal["directory", "decoding"] = "directory"
    classes: tuple[str, ...] = ("cats", "dogs")
    num_images: int = 2 * NUM_PER_CLASS
    quarantined: Mapping[str, str] = field(default_factory=dict)
    num_exact: int = 0
    conflicts: tuple[tuple[str, ...], ...] = ()


_HALF = encoded(photograph(81, (200, 200)), "JPEG")[:2500]
_BAD_FILES = {
    "cats/corrupt.jpg": (_HALF, "image_corrupt"),
    "cats/empty.jpg": (b"", "image_empty"),
    "cats/letter.jpg": (b"Dear cat, this is no picture.", "not_an_image"),
    "cats/phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "image_corrupt"),
    "cats/pixel.png": (encoded(photograph(82, (1, 1))), "image_too_small"),
    "cats/notes.txt": (b"names of the cats", "not_an_image"),
    "cats/more.zip": (zipped({"x.png": b"x"}), "nested_archive"),
    "cover.png": (encoded(photograph(83)), "outside_class_folder"),
}


def _cases_refused() -> list[ArchiveCase]:
    few = {path: data for path, data in good_files().items() if path < "dogs/4"}
    return [
        ArchiveCase(name="no_bytes", build=lambda: b"", code="archive_empty"),
        ArchiveCase(name="no_entries", build=lambda: zipped({}), code="archive_empty"),
        ArchiveCase(name="not_a_zip", build=lambda: b"Rar!\x1a\x07\x01\0" + bytes(500), code="archive_not_zip"),
        ArchiveCase(name="an_image", build=lambda: encoded(photograph(1)), code="archive_not_zip"),
        ArchiveCase(name="cut_off", build=lambda: good()[:-40], code="archive_truncated"),
        ArchiveCase(name="beheaded", build=lambda: good()[40:], code="archive_truncated"),
        ArchiveCase(
            name="garbled_directory",
            build=lambda: good().replace(b"PK\x01\x02", b"PK\x01\x03", 1),
            code="archive_damaged",
        ),
        ArchiveCase(name="encrypted", build=lambda: patched(good(), flag=1), code="archive_encrypted"),
        ArchiveCase(name="bomb", build=bomb, code="archive_bomb"),
        ArchiveCase(name="overlapping_bomb", build=overlapping_bomb, code="archive_bomb"),
        ArchiveCase(name="claims_too_much", build=claims_too_much, code="archive_bomb"),
        ArchiveCase(name="deflate64", build=lambda: patched(good(), method=9), code="archive_unsupported_compression"),
        ArchiveCase(name="same_name_twice", build=same_name_twice, code="archive_duplicate_names"),
        ArchiveCase(
            name="no_images", build=lambda: zipped({"cats/a.txt": b"a", "dogs/": b""}), code="archive_no_images"
        ),
        ArchiveCase(
            name="no_folders",
            build=lambda: zipped({f"{number}.png": encoded(photograph(number)) for number in range(12)}),
            code="archive_no_images",
        ),
        ArchiveCase(name="only_zips", build=lambda: zipped({"cats.zip": good()}), code="archive_no_images"),
        ArchiveCase(name="one_class", build=lambda: zipped(good_files(classes=("cats",))), code="archive_one_class"),
        ArchiveCase(name="empty_class", build=with_files({"birds/": b""}), code="archive_empty_class"),
        ArchiveCase(name="small_class", build=lambda: zipped(few), code="class_too_small"),
        ArchiveCase(
            name="case_clash",
            build=lambda: zipped(good_files(classes=("Cats", "cats", "dogs"))),
            code="class_names_clash",
        ),
        ArchiveCase(
            name="line_break_in_class",
            build=lambda: zipped(good_files(classes=("cats\nand more", "dogs"))),
            code="class_name_unusable",
        ),
        ArchiveCase(
            name="split_already",
            build=lambda: zipped(good_files("fold1/") | good_files("fold2/")),
            code="archive_already_split",
        ),
        ArchiveCase(
            name="class_lost_in_decoding",
            build=lambda: zipped(good_files() | {f"dogs/{number}.png": b"no picture" for number in range(2)}),
            code="class_too_small",
            found_in="decoding",
        ),
    ]


def _cases_accepted() -> list[ArchiveCase]:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    cafe = good_files(classes=("caf\u00e9", "\u732b"))
    return [
        ArchiveCase(name="good", build=good),
        ArchiveCase(name="deflated", build=lambda: zipped(good_files(), zipfile.ZIP_DEFLATED)),
        ArchiveCase(name="climbing", build=with_name("../../cats/more.png"), num_images=2 * NUM_PER_CLASS + 1),
        ArchiveCase(
            name="climbing_inside", build=with_name("cats\\..\\..\\cats\\a.png"), num_images=2 * NUM_PER_CLASS + 1
        ),
        ArchiveCase(name="absolute", build=with_name("/cats/more.png"), num_images=2 * NUM_PER_CLASS + 1),
        ArchiveCase(name="drive", build=with_name("C:\\cats\\more.png"), num_images=2 * NUM_PER_CLASS + 1),
        ArchiveCase(name="network_share", build=with_name("\\\\cats\\more.png"), num_images=2 * NUM_PER_CLASS + 1),
        ArchiveCase(name="link", build=with_link, quarantined={"cats/link.png": "link"}),
        ArchiveCase(name="root_entry", build=with_files({"/": b""})),
        ArchiveCase(name="root_folder", build=lambda: zipped(good_files("photos/"))),
        ArchiveCase(name="nested_root", build=lambda: zipped(good_files("my/photos/2024/"))),
        ArchiveCase(name="dot_slash", build=lambda: zipped({f"./{path}": data for path, data in good_files().items()})),
        ArchiveCase(
            name="backslashes",
            build=lambda: zipped({path.replace("/", "\\"): data for path, data in good_files().items()}),
        ),
        ArchiveCase(
            name="deeper_folders",
            build=lambda: zipped(
                {path.replace("s/", "s/monday/morning/"): data for path, data in good_files().items()}
            ),
        ),
        ArchiveCase(
            name="system_files",
            build=with_files(
                {
                    "__MACOSX/cats/._0.png": b"resource fork",
                    "cats/.DS_Store": b"store",
                    "cats/Thumbs.db": b"thumbs",
                    "dogs/desktop.ini": b"ini",
                    ".ipynb_checkpoints/0.png": encoded(photograph(1)),
                    "cats/.ipynb_checkpoints/0.png": encoded(photograph(2)),
                }
            ),
        ),
        ArchiveCase(name="unicode", build=lambda: zipped(cafe), classes=(composed, "\u732b")),
        ArchiveCase(
            name="unicode_without_flag", build=lambda: utf8_without_flag(zipped(cafe)), classes=(composed, "\u732b")
        ),
        ArchiveCase(
            name="two_spellings_of_one_class",
            build=lambda: zipped(
                good_files(classes=("dogs", composed)) | {f"{decomposed}/x.png": encoded(photograph(5000))}
            ),
            classes=(composed, "dogs"),
            num_images=2 * NUM_PER_CLASS + 1,
        ),
        ArchiveCase(
            name="upper_case_and_wrong_endings",
            build=with_files(
                {
                    "cats/IMG_1.JPG": encoded(photograph(91), "JPEG"),
                    "cats/really_a_jpeg.PNG": encoded(photograph(92), "JPEG"),
                    "dogs/no_ending": encoded(photograph(93)),
                    "dogs/scan.dat": encoded(photograph(94)),
                }
            ),
            num_images=2 * NUM_PER_CLASS + 4,
        ),
        ArchiveCase(
            name="all_modes",
            build=with_files(files_of_all_modes()),
            num_images=2 * NUM_PER_CLASS + len(files_of_all_modes()),
        ),
        ArchiveCase(
            name="bad_files_among_good",
            build=with_files({path: data for path, (data, _) in _BAD_FILES.items()}),
            quarantined={path: code for path, (_, code) in _BAD_FILES.items()},
        ),
        ArchiveCase(
            name="huge_image",
            build=lambda: zipped(good_files() | {"cats/huge.png": huge_png()}),
            quarantined={"cats/huge.png": "image_too_large"},
        ),
        ArchiveCase(
            name="wrong_checksum",
            build=wrong_checksum,
            num_images=2 * NUM_PER_CLASS - 1,
            quarantined={"cats/0.png": "file_damaged"},
        ),
        ArchiveCase(
            name="copies_within_a_class",
            build=with_files({f"cats/copy{number}.png": good_files()["cats/0.png"] for number in range(3)}),
            num_exact=3,
        ),
        ArchiveCase(
            name="copies_across_classes",
            build=with_files({"dogs/cat.png": good_files()["cats/0.png"]}),
            num_images=2 * NUM_PER_CLASS - 1,
            conflicts=(("cats/0.png", "dogs/cat.png"),),
        ),
    ]


CASES: tuple[ArchiveCase, ...] = (*_cases_refused(), *_cases_accepted())
REFUSED: tuple[ArchiveCase, ...] = tuple(case for case in CASES if case.code is not None)
ACCEPTED: tuple[ArchiveCase, ...] = tuple(case for case in CASES if case.code is None)
