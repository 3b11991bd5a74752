"""The operator's mirror of weights in a bucket, which here is one in memory."""

import hashlib
import io
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from services.onebox.commands import candidates
from services.trainer.settings import TrainerSettings
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.sources.download import default_cache_dir
from services.trainer.zoo.sources.mirror import BucketMirror, FolderMirror, open_mirror
from services.trainer.zoo.sources.weights import Source, resolve
from shared.adapters.embedded.signed_url import UrlSigner
from shared.clock import utc_now
from shared.errors import Transient
from shared.settings import InvalidSettings
from tests.doubles.memory_object_store import MemoryObjectStore

ADDRESS = "gs://weights/keras"


def weights_bytes(row) -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        # Values that no compression shrinks below a piece, so that the file comes in several.
        file.create_group("conv1").create_dataset("kernel", data=np.arange(row.parameters, dtype=np.float32))
    return data.getvalue()


BIG = BACKBONES["mobilenet"]
CONTENT = weights_bytes(BIG)


class Bucket(MemoryObjectStore):
    """Counts what is read, and can fall silent."""

    def __init__(self) -> None:
        super().__init__(signer=UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=utc_now))
        self.num_reads = self.num_stats = 0
        self.bytes_at_once = 0
        self.is_silent = False
        self.on_read = lambda: None

    def fill(self, name: str, content: bytes) -> None:
        self.put(f"keras/{name}", io.BytesIO(content), content_type="application/octet-stream")

    def stat(self, key):
        self.num_stats += 1
        self.answer()
        return super().stat(key)

    def list(self, prefix):
        self.answer()
        return super().list(prefix)

    def read(self, key, start=0, end=None, *, generation=None):
        self.num_reads += 1
        self.answer()
        piece = super().read(key, start, end, generation=generation)
        self.bytes_at_once = max(self.bytes_at_once, len(piece))
        self.on_read()
        return piece

    def answer(self) -> None:
        if self.is_silent:
            raise Transient("403 the trainer may not read this bucket")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def mirror(bucket, tmp_path) -> BucketMirror:
    return BucketMirror(objects=bucket, prefix="keras/", address=ADDRESS, cache_dir=tmp_path)


def find(mirror, tmp_path, *names: str):
    wanted = names or [BIG.name, "tiny"]
    return resolve(wanted, mirror=mirror, cache_dir=tmp_path, allow_download=False, find_installed=lambda _: None)


def test_a_file_of_the_bucket_comes_once_in_pieces_and_whole(bucket, mirror, tmp_path):
    bucket.fill(BIG.weights_file, CONTENT)

    for _ in range(2):
        ((found, file),) = find(mirror, tmp_path, BIG.name).usable
        assert (found, file.source) == (BIG, Source.MIRROR)
        assert file.path.read_bytes() == CONTENT

    assert bucket.bytes_at_once <= 8 << 20
    assert bucket.num_reads == -(-len(CONTENT) // (8 << 20)) == 2
    assert [path.name for path in (tmp_path / "mirror").iterdir()] == [file.path.name]


def test_a_file_that_is_replaced_in_the_bucket_comes_anew(bucket, mirror, tmp_path):
    bucket.fill(BIG.weights_file, CONTENT)
    first = find(mirror, tmp_path, BIG.name).usable[0][1].path
    bucket.fill(BIG.weights_file, CONTENT)

    assert find(mirror, tmp_path, BIG.name).usable[0][1].path != first


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_is_checked_by_its_published_hash(bucket, mirror, algorithm):
    bucket.fill(BIG.weights_file, CONTENT)
    hashed = replace(BIG, weights_hash=hashlib.new(algorithm, CONTENT).hexdigest())

    assert mirror.fetch(hashed, deadline_s=time.monotonic() + 60).read_bytes() == CONTENT


def test_a_file_with_another_hash_is_a_reason_to_skip_and_leaves_nothing_behind(bucket, mirror, tmp_path):
    row = BACKBONES["densenet121"]
    bucket.fill(row.weights_file, b"something else")
    bucket.fill(BIG.weights_file, CONTENT)

    found = find(mirror, tmp_path, row.name, BIG.name)

    assert [each for each, _ in found.usable] == [BIG]  # one bad file says nothing about the others
    reason = dict(found.skipped)[row.name]
    assert "its hash is not the published one" in reason
    assert f"put {row.weights_file} into {ADDRESS} (CONVTAILOR_WEIGHTS)" in reason
    assert len(list((tmp_path / "mirror").iterdir())) == 1


def test_a_file_without_a_published_hash_is_counted_through(bucket, mirror, tmp_path):
    bucket.fill(BIG.weights_file, CONTENT[: len(CONTENT) // 2])

    found = find(mirror, tmp_path)

    assert [each.name for each, _ in found.usable] == ["tiny"]
    assert "is damaged" in dict(found.skipped)[BIG.name]


def test_a_file_that_the_bucket_does_not_have_is_looked_for_in_the_cache(bucket, mirror, tmp_path):
    (tmp_path / BIG.weights_file).write_bytes(CONTENT)

    assert find(mirror, tmp_path, BIG.name).usable[0][1].source is Source.CACHE


def test_a_bucket_that_does_not_answer_is_asked_once_and_named_in_every_reason(bucket, mirror, tmp_path):
    bucket.is_silent = True

    found = find(mirror, tmp_path, "auto")

    assert [name.name for name, _ in found.usable] == ["tiny"]
    assert bucket.num_stats == 1
    for _, reason in found.skipped:
        assert f"the mirror {ADDRESS} could not be read: 403 the trainer may not read this bucket" in reason


def test_files_that_come_too_late_are_given_up(bucket, mirror, tmp_path):
    bucket.fill(BIG.weights_file, CONTENT)

    with pytest.raises(Transient, match="time limit"):
        mirror.fetch(BIG, deadline_s=time.monotonic() - 1)
    assert bucket.num_stats == 0

    deadline_s = time.monotonic() + 2.0  # in which also a busy machine comes to read something
    bucket.on_read = lambda: threading.Event().wait(max(0.0, deadline_s - time.monotonic()) + 0.01)
    with pytest.raises(Transient, match="longer than the time limit"):
        mirror.fetch(BIG, deadline_s=deadline_s)
    assert bucket.num_reads == 1
    assert not list((tmp_path / "mirror").iterdir())


def test_a_file_replaced_while_it_is_read_is_not_pieced_together(bucket, mirror, tmp_path):
    bucket.fill(BIG.weights_file, CONTENT)
    bucket.on_read = lambda: bucket.fill(BIG.weights_file, CONTENT)
    with pytest.raises(Transient, match="was replaced while it was read"):
        mirror.fetch(BIG, deadline_s=time.monotonic() + 60)
    assert not list((tmp_path / "mirror").iterdir())


@pytest.mark.parametrize(
    ("address", "prefix", "said"),
    [
        ("gs://weights/keras/models/", "keras/models/", "gs://weights/keras/models"),
        ("gs://weights", "", "gs://weights"),
        ("gs://weights/", "", "gs://weights"),
    ],
)
def test_the_address_of_a_bucket_is_read_without_asking_it_anything(address, prefix, said, tmp_path):
    opened = open_mirror(TrainerSettings(weights=address, weights_cache_dir=tmp_path))

    assert isinstance(opened, BucketMirror)
    assert (opened.prefix, opened.address, opened.cache_dir) == (prefix, said, tmp_path)
    assert open_mirror(TrainerSettings(weights=address)).cache_dir == default_cache_dir()


def test_a_folder_is_a_mirror_and_none_is_none(tmp_path):
    (tmp_path / "a.h5").touch()

    assert open_mirror(TrainerSettings()) is None
    folder = open_mirror(TrainerSettings(weights=str(tmp_path)))
    assert folder == FolderMirror(tmp_path)
    assert folder.names() == {"a.h5"}
    assert FolderMirror(Path("nowhere")).names() == frozenset()


def test_an_address_without_a_bucket_is_refused():
    with pytest.raises(InvalidSettings, match="gs://bucket/prefix"):
        open_mirror(TrainerSettings(weights="gs://"))


@pytest.fixture
def shown(mirror, tmp_path):
    """What `convtailor candidates` finds with this mirror, by name."""

    def show(*, may_ask: bool):
        settings = TrainerSettings(weights=ADDRESS, weights_cache_dir=tmp_path, download=False)
        return {row.backbone.name: row for row in candidates.look_for(settings, mirror, may_ask=may_ask)}

    return show


def test_candidates_shows_what_a_bucket_holds_without_bringing_it_here(bucket, shown):
    bucket.fill(BIG.weights_file, b"left where it is")

    rows = shown(may_ask=True)

    assert (rows[BIG.name].source, rows["tiny"].source, rows["vgg16"].source) == ("mirror", "bundled", "absent")
    assert f"is not in {ADDRESS}; put it into {ADDRESS}" in rows["vgg16"].fix
    assert bucket.num_reads == 0


def test_candidates_says_of_a_silent_bucket_that_it_is_silent(bucket, shown):
    bucket.is_silent = True

    rows = shown(may_ask=True)

    assert rows[BIG.name].source == "absent"
    assert f"could not be looked for in {ADDRESS}: 403 the trainer may not" in rows[BIG.name].fix
    assert json.dumps(candidates._document(rows[BIG.name]))


def test_candidates_asks_no_bucket_offline(bucket, shown):
    bucket.is_silent = True

    assert f"was not looked for in {ADDRESS} (--offline)" in shown(may_ask=False)[BIG.name].fix
