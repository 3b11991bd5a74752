"""What is delivered loads in older Keras and computes the same there: ``make compat``.

Builds environments of more than a gigabyte once, so it is no part of ``make test``; skips where no package registry can
be reached.
"""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from services.trainer.export.keras_file.portable import KNOWN, OLDEST_KERAS
from services.trainer.export.package import pack
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import build, complete
from tests.archive_making import encoded, photograph
from tests.compat.older_keras import run_with_keras

pytestmark = [pytest.mark.compat, pytest.mark.slow]

HERE = Path(__file__).parent
VERSIONS = (OLDEST_KERAS, "3.10", "3.11", "3.12", "3.13", "3.14")
NETWORKS = (
    "tiny",
    "mobilenet_v2_0.35",
    "efficientnet_lite0",
    "densenet121",
    "efficientnet_v2_b0",
    "xception",
    "convnext_tiny",
)
"""One of each way of preprocessing, and together every kind of layer but two that only pad, pool or crop."""
CLASSES = ("ant", "bee", "cockchafer")


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with networks as they are delivered, random weights and all, and what they compute."""
    folder = tmp_path_factory.mktemp("deliveries")
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 150, 210, 3), dtype=np.uint8)
    np.save(folder / "pixels.npy", pixels)
    for name in NETWORKS:
        row = BACKBONES[name]
        keras.utils.set_random_seed(0)
        kernel = generator.normal(0, 1, (row.feature_width, len(CLASSES))).astype(np.float32)
        network = complete(build(row, None), Head(kernel=kernel, bias=np.zeros(len(CLASSES), np.float32)))
        package = pack(network, CLASSES, folder / name, lambda _: None)
        for path in (package.model_h5, package.model_keras):
            path.rename(folder / f"{name}{path.suffix}")
        np.save(folder / f"{name}.npy", np.asarray(network(pixels, training=False)))
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_both_files_load_and_compute_the_same(version: str, deliveries: Path) -> None:
    told = json.loads(run_with_keras(version, str(HERE / "load_networks.py"), str(deliveries)))
    assert told["version"].startswith(f"{version}.")
    assert len(told["gaps"]) == 2 * len(NETWORKS)
    assert max(told["gaps"].values()) < 1e-4


def test_the_oldest_keras_knows_every_setting_that_is_written_whatever_its_value() -> None:
    known = json.loads(run_with_keras(OLDEST_KERAS, str(HERE / "known_settings.py"), *KNOWN))
    assert not [f"{name}.{each}" for name, settings in KNOWN.items() for each in settings - set(known[name])]


def test_the_delivered_program_runs_with_the_oldest_keras(tmp_path: Path) -> None:
    row = BACKBONES["tiny"]
    head = Head(kernel=np.zeros((row.feature_width, 3), np.float32), bias=np.array([0, 9, 0], np.float32))
    package = pack(complete(build(row, None), head), CLASSES, tmp_path / "delivery", lambda _: None)
    (tmp_path / "picture.png").write_bytes(encoded(photograph(1)))

    told = run_with_keras(OLDEST_KERAS, str(package.predict), str(tmp_path / "picture.png"))

    assert told.split("\t")[1] == "bee"
