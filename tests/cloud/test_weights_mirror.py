"""The mirror of weights over Cloud Storage's own protocol, opened from the settings as the trainer does."""

import io
import time
from pathlib import Path

import pytest

from services.trainer.settings import TrainerSettings
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.sources.mirror import Mirror, open_mirror
from services.trainer.zoo.sources.weights import resolve
from shared.backends import open_bucket
from shared.errors import Transient
from tests.cloud.storage_fixture import BUCKET
from tests.cloud.storage_server import StorageServer

ROW = BACKBONES["mobilenet_0.25"]
CONTENT = bytes(range(256)) * 40_000
"""More than one piece of eight MiB."""


def mirror_of(address: str, cache_dir: Path) -> Mirror:
    mirror = open_mirror(TrainerSettings(weights=address, weights_cache_dir=cache_dir, gcp_project="demo"))
    assert mirror is not None
    return mirror


@pytest.mark.parametrize("prefix", ["", "keras/models"])
def test_a_file_comes_from_the_bucket_whole(storage_server: StorageServer, tmp_path: Path, prefix: str) -> None:
    key = f"{prefix}/{ROW.weights_file}" if prefix else ROW.weights_file
    bucket = open_bucket(BUCKET, TrainerSettings(gcp_project="demo"))
    bucket.put(key, io.BytesIO(CONTENT), content_type="application/octet-stream")
    mirror = mirror_of(f"gs://{BUCKET}/{prefix}", tmp_path)

    assert mirror.names() == {ROW.weights_file}
    deadline_s = time.monotonic() + 60
    path = mirror.fetch(ROW, deadline_s=deadline_s)
    assert path is not None
    assert path.read_bytes() == CONTENT
    assert mirror.fetch(BACKBONES["vgg16"], deadline_s=deadline_s) is None


def test_a_bucket_that_is_not_there_is_said_to_be(storage_server: StorageServer, tmp_path: Path) -> None:
    mirror = mirror_of("gs://convtailor-nowhere/keras", tmp_path)

    with pytest.raises(Transient):
        mirror.names()
    found = resolve(["auto"], mirror=mirror, cache_dir=tmp_path, allow_download=False, find_installed=lambda _: None)
    assert [row.name for row, _ in found.usable] == ["tiny"]
    assert "gs://convtailor-nowhere/keras" in dict(found.skipped)[ROW.name]
