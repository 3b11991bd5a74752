"""What a person names as data is judged where it lies, before an hour of upload."""

import pytest

from services.client.data_source import check_archive, check_data, packing_folder
from services.client.fault import ExitCode, exit_code_of
from shared.errors import UserFault
from tests.archive_corpus import ACCEPTED, REFUSED
from tests.archive_making import good_files, zipped


def test_an_empty_file_is_an_empty_archive_and_no_wrong_option(tmp_path):
    (tmp_path / "photos.zip").touch()
    with pytest.raises(UserFault) as caught:
        check_data(tmp_path / "photos.zip")
    assert (caught.value.fault.code, exit_code_of(caught.value)) == ("archive_empty", ExitCode.JOB_FAILED)
    assert "no bytes" in caught.value.fault.message


@pytest.mark.parametrize("case", [case for case in REFUSED if case.found_in == "directory"], ids=lambda case: case.name)
def test_what_the_server_would_refuse_by_its_table_of_contents_is_never_sent(case, tmp_path):
    (tmp_path / "photos.zip").write_bytes(case.build())
    with pytest.raises(UserFault) as caught:
        check_archive(tmp_path / "photos.zip")
    assert caught.value.fault.code == case.code


@pytest.mark.parametrize("case", ACCEPTED[:4], ids=lambda case: case.name)
def test_what_the_server_would_take_is_sent(case, tmp_path):
    (tmp_path / "photos.zip").write_bytes(case.build())
    assert tuple(check_archive(tmp_path / "photos.zip").classes) == case.classes


def test_a_split_that_cannot_be_used_is_named_before_it_is_sent(tmp_path):
    (tmp_path / "photos.zip").write_bytes(zipped(good_files("fold1/") | good_files("fold2/")))
    with pytest.raises(UserFault, match="'fold1' and 'fold2' hold the same classes, 'cats' and 'dogs'"):
        check_archive(tmp_path / "photos.zip")
    assert check_archive(tmp_path / "photos.zip", is_mixed=True).num_images == 24


def test_the_zip_of_a_command_that_was_killed_goes_with_the_next_one(tmp_path):
    left = tmp_path / "convtailor-submit-0123456789abcdef"
    left.mkdir()
    (left / "archive.zip").write_bytes(b"photographs")
    with packing_folder(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]
        with packing_folder(tmp_path) as beside:
            assert mine.exists(), "its command lives"
            assert beside != mine
    assert not list(tmp_path.iterdir())
