import os
import socket
import stat
import zipfile
from contextlib import chdir

import pytest

from services.client.archive import write_archive
from services.client.data_source import archive_of
from services.client.fault import UsageFault, exit_code_of
from shared.errors import UserFault


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 10)


def test_a_folder_becomes_a_zip_without_litter(tmp_path):
    photos = tmp_path / "photos"
    fill(photos, "dog/b.jpg", "cat/Ä.JPG", "cat/Thumbs.db", "cat/.DS_Store", ".git/x", "__MACOSX/cat/a.jpg", "out/m.h5")
    heard = []
    packed = write_archive(
        photos, tmp_path / "a.zip", leave_out=(photos / "out",), on_bytes=lambda *told: heard.append(told)
    )
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["cat/Ä.JPG", "dog/b.jpg"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("dog/b.jpg") == b"dog/b.jpg" * 10
    assert (packed.num_files, packed.notes) == (2, [])
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


def test_an_empty_folder_and_one_of_broken_links_name_the_place(tmp_path):
    (tmp_path / "photos/cat").mkdir(parents=True)
    with pytest.raises(UsageFault, match="photos holds no files"):
        write_archive(tmp_path / "photos", tmp_path / "a.zip")
    (tmp_path / "photos/cat/1.jpg").symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(UsageFault, match="holds no files that can be read") as caught:
        write_archive(tmp_path / "photos", tmp_path / "a.zip")
    assert caught.value.fault.details["left_out"] == ["cat/1.jpg: a link that leads nowhere"]


def test_an_empty_file_is_an_empty_archive(tmp_path):
    (tmp_path / "a.zip").touch()
    with pytest.raises(UserFault) as caught:
        archive_of(tmp_path / "a.zip", tmp_path)
    assert (caught.value.fault.code, exit_code_of(caught.value)) == ("archive_empty", 1)


def left_out(photos, target):
    return {each.path: each.reason for each in write_archive(photos, target).left_out}


def test_what_is_no_file_is_left_out_and_told_of(tmp_path):
    photos = tmp_path / "photos"
    fill(photos, "cat/1.jpg", "dog/1.jpg")
    os.mkfifo(photos / "cat/pipe")
    (photos / "cat/gone.jpg").symlink_to("nowhere.jpg")
    (photos / "cat/round.jpg").symlink_to("round.jpg")
    (photos / "dog/null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener, chdir(photos):
        listener.bind("dog/socket")
    assert left_out(photos, tmp_path / "a.zip") == {
        "cat/pipe": "a pipe, not a file",
        "cat/gone.jpg": "a link that leads nowhere",
        "cat/round.jpg": "a link that leads back to itself",
        "dog/null": "a device, not a file",
        "dog/socket": "a socket, not a file",
    }
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["cat/1.jpg", "dog/1.jpg"]


def test_a_file_that_is_gone_when_its_turn_comes_is_left_out(tmp_path):
    fill(tmp_path / "photos", "cat/1.jpg", "cat/2.jpg")
    packed = write_archive(
        tmp_path / "photos",
        tmp_path / "a.zip",
        on_bytes=lambda *_: (tmp_path / "photos/cat/2.jpg").unlink(missing_ok=True),
    )
    assert packed.notes == ["Left out: cat/2.jpg (gone before it could be packed)"]
    assert packed.num_files == 1


def test_links_to_folders_are_followed_once_and_folders_themselves_come_first(tmp_path):
    photos = tmp_path / "photos"
    fill(photos, ".store/owl/1.jpg", "dog/1.jpg", "zebra/1.jpg")
    (photos / "ape").symlink_to(photos / "zebra")
    (photos / "owl").symlink_to(photos / ".store/owl")
    (photos / "dog/up").symlink_to(photos)
    (photos / ".store/owl/round").symlink_to(photos / "owl")
    reasons = left_out(photos, tmp_path / "a.zip")
    assert set(reasons) == {"ape", "dog/up", "owl/round"}
    assert set(reasons.values()) == {"a link to a folder that is packed already, or holds it"}
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["dog/1.jpg", "owl/1.jpg", "zebra/1.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_must_not_be_read_is_left_out_and_told_of(tmp_path):
    fill(tmp_path / "photos", "cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
    (tmp_path / "photos/cat/1.jpg").chmod(0)
    (tmp_path / "photos/dog").chmod(0)
    reasons = left_out(tmp_path / "photos", tmp_path / "a.zip")
    (tmp_path / "photos/dog").chmod(0o700)
    assert reasons == {
        "cat/1.jpg": "not readable for you",
        "dog": "a folder that cannot be opened: not readable for you",
    }


def test_a_person_hears_of_a_few_and_of_how_many_more(tmp_path):
    fill(tmp_path / "photos", "cat/1.jpg")
    for number in range(40):
        (tmp_path / f"photos/cat/{number:02}.png").symlink_to("nowhere")
    heard = []
    archive_of(tmp_path / "photos", tmp_path, on_note=heard.append)
    assert heard[0] == "Left out: cat/00.png (a link that leads nowhere)"
    assert heard[-1] == "Left out: 28 more of the kind"
    assert len(heard) == 13


def names_packed(tmp_path, *raw_names):
    for raw in raw_names:
        path = tmp_path / "photos" / os.fsdecode(raw)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    write_archive(tmp_path / "photos", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        return {archive.read(info): info.filename for info in archive.infolist()}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cp932", ["松/松_1.jpg", "桜/桜_1.jpg", "ソファ/1.jpg"]),
        ("cp1252", ["b/Frühling.jpg", "b/Frähling.jpg", "b/été.jpg"]),
        ("cp1251", ["кошка/1.jpg", "собака/1.jpg"]),
    ],
)
def test_names_in_a_code_page_are_read_as_they_were_written(tmp_path, page, names):
    raw_names = [name.encode(page) for name in names]
    assert names_packed(tmp_path, *raw_names) == dict(zip(raw_names, names, strict=True))


def test_names_that_differ_in_bytes_stay_apart_whatever_they_stand_for(tmp_path):
    raw_names = [b"caf\xe9/1.jpg", "café/1.jpg".encode(), b"cat/\x81\xb1\xb1.jpg", b"cat/\x81\xb1\xb2.jpg", b"cat/\xff"]
    names = names_packed(tmp_path, *raw_names)
    assert len(names) == len(set(names.values())) == len({name.split("/")[0] for name in names.values()}) + 2 == 5


def test_results_of_earlier_runs_in_the_folder_of_the_photographs_are_no_class(tmp_path):
    photos = tmp_path / "photos"
    fill(photos, "cat/a.jpg", "photos-results/result.json", "photos-results/labels.txt", "photos-results/notes/b.jpg")
    fill(photos, "photos-results-2/mail.eml", "letters/mail.eml", "letters/c.jpg")
    packed = write_archive(photos, tmp_path / "a.zip")
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["cat/a.jpg", "letters/c.jpg", "letters/mail.eml"]
    assert [each.path for each in packed.left_out] == ["photos-results-2", "photos-results"]
