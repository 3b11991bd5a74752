import os
import stat
import zipfile

import pytest

from services.client.archive import write_archive
from services.client.fault import UsageFault


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 10)


def test_a_folder_becomes_a_zip_without_litter(tmp_path):
    photos = tmp_path / "photos"
    fill(photos, "dog/b.jpg", "cat/Ä.JPG", "cat/Thumbs.db", "cat/.DS_Store", ".git/x", "__MACOSX/cat/a.jpg", "out/m.h5")
    heard = []
    num_files = write_archive(
        photos, tmp_path / "a.zip", leave_out=(photos / "out",), on_bytes=lambda *told: heard.append(told)
    )
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["cat/Ä.JPG", "dog/b.jpg"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("dog/b.jpg") == b"dog/b.jpg" * 10
    assert num_files == 2
    assert heard[-1][0] == heard[-1][1] == 90 + 100


def test_the_zip_of_photographs_that_are_closed_to_others_is_closed_to_others_too(tmp_path):
    fill(tmp_path / "photos", "cat/a.jpg")
    write_archive(tmp_path / "photos", tmp_path / "a.zip")
    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) == 0o600


def test_one_folder_gives_one_zip_byte_for_byte(tmp_path):
    fill(tmp_path / "photos", "b/1.jpg", "a/2.jpg", "a/1.jpg")
    write_archive(tmp_path / "photos", tmp_path / "first.zip")
    os.utime(tmp_path / "photos/a/1.jpg", (1, 1))
    write_archive(tmp_path / "photos", tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_links_are_followed_and_circles_end(tmp_path):
    fill(tmp_path / "elsewhere", "1.jpg")
    fill(tmp_path / "photos", "cat/1.jpg")
    (tmp_path / "photos/dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos/cat/again").symlink_to(tmp_path / "photos")
    write_archive(tmp_path / "photos", tmp_path / "a.zip")
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["cat/1.jpg", "dog/1.jpg"]


def test_an_empty_folder_and_a_broken_link_name_the_place(tmp_path):
    (tmp_path / "photos/cat").mkdir(parents=True)
    with pytest.raises(UsageFault, match="photos holds no files"):
        write_archive(tmp_path / "photos", tmp_path / "a.zip")
    (tmp_path / "photos/cat/1.jpg").symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(UsageFault, match=r"cat/1\.jpg: No such file"):
        write_archive(tmp_path / "photos", tmp_path / "a.zip")


def test_a_name_that_is_no_text_is_kept_readable(tmp_path):
    fill(tmp_path / "photos", "cat/1.jpg")
    (tmp_path / "photos/cat/1.jpg").rename(os.fsdecode(os.fsencode(tmp_path) + b"/photos/cat/\xff.jpg"))
    write_archive(tmp_path / "photos", tmp_path / "a.zip")
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["cat/�.jpg"]
