"""Of a folder that is to be classified, every picture counts, whatever its ending; the rest is told of."""

import os
from pathlib import Path

import pytest

from services.client.fault import UsageFault
from services.onebox.prediction.inbox import find_images

PICTURES = (
    "a.jpg",
    "b.jfif",
    "c.jpe",
    "d.avif",
    "e.jp2",
    "f.ppm",
    "g.HEIC",
    "h.webp",
    "IMG_0007",
    "j.JPG",
    "k.mpo",
    "l.ico",
)


def folder_of(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x")
    return path


def test_no_picture_is_passed_over_for_its_ending(tmp_path: Path) -> None:
    found = find_images([folder_of(tmp_path, *PICTURES)])
    assert {path.name for path in found.images} == set(PICTURES)
    assert not found.left_out


def test_what_is_surely_none_is_listed_with_the_reason_but_not_the_litter_of_systems(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, "a.jpg", "clip.MOV", "notes.txt", "old.zip", ".DS_Store", "Thumbs.db", "__MACOSX/a.jpg"
    )
    found = find_images([folder])
    assert [path.name for path in found.images] == ["a.jpg"]
    assert {Path(each.path).name: each.reason for each in found.left_out} == {
        "clip.MOV": "the ending says that it is no picture",
        "notes.txt": "the ending says that it is no picture",
        "old.zip": "an archive, which is not opened",
    }


def test_what_a_person_names_is_taken_whatever_it_is_called_and_counts_as_meant(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "notes.txt", "in/IMG_0007", "in/b.jpg")
    found = find_images([folder / "notes.txt", folder / "in"])
    assert [path.name for path in found.images] == ["notes.txt", "IMG_0007", "b.jpg"]
    assert {path.name for path in found.meant} == {"notes.txt", "b.jpg"}


def test_a_link_that_leads_nowhere_is_told_of(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.jpg")
    (folder / "gone.jpg").symlink_to("nowhere")
    assert [each.reason for each in find_images([folder]).left_out] == ["a link that leads nowhere"]


def test_a_folder_without_pictures_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(UsageFault) as caught:
        find_images([folder_of(tmp_path, "clip.MOV")])
    assert caught.value.fault.code == "no_images"
    assert "clip.MOV" in caught.value.fault.details["left_out"][0]


def test_a_path_that_leads_nowhere_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageFault) as caught:
        find_images([tmp_path / "gone"])
    assert caught.value.fault.code == "image_not_found"


def test_a_pipe_is_a_fault_at_once_since_nobody_may_ever_write_into_it(tmp_path: Path) -> None:
    pipe = tmp_path / "new.jpg"
    os.mkfifo(pipe)
    with pytest.raises(UsageFault) as caught:
        find_images([pipe])
    assert caught.value.fault.code == "image_not_found"
    assert caught.value.fault.message == f"{pipe} is a pipe, not a file."
    assert "into a file" in caught.value.fault.fix


def test_a_link_to_itself_says_so(tmp_path: Path) -> None:
    link = tmp_path / "new.jpg"
    link.symlink_to(link)
    with pytest.raises(UsageFault, match="leads back to itself"):
        find_images([link])
