"""The verifying process: it finds a faithful export faithful, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from services.trainer.export.check import Request
from services.trainer.export.rescore import raw_images
from services.trainer.export.verifier import Verifier, objection
from tests.training_fixture import write_archive

PX = 8
PATHS = ("photos/blue disc/0.JPG", "photos/green bars/1.png", "photos/réd square/2.JPG")


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    process = Verifier()
    yield process
    process.end()


@pytest.fixture(scope="module")
def request_for(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """What is asked about a small network, saved as ``model.keras``."""
    folder = tmp_path_factory.mktemp("export")
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3), dtype="uint8")
    pixels = keras.layers.Rescaling(1 / 255)(images)
    squares = keras.layers.Resizing(PX, PX, antialias=True)(pixels)
    network = keras.Model(images, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(squares)))
    network.save(folder / "model.keras")
    archive = write_archive(folder / "photos.zip", per_class=6)
    resize = keras.layers.Resizing(PX, PX, antialias=True)
    seen = np.stack([np.asarray(resize(image.astype("float32"))).round() for image in raw_images(archive, PATHS)])
    np.save(folder / "squares.npy", seen.astype(np.uint8))
    expected = np.asarray(network(seen.astype(np.uint8)))
    return Request(
        model=folder / "model.keras",
        archive=archive,
        paths=PATHS,
        squares=folder / "squares.npy",
        expected=tuple(tuple(map(float, row)) for row in expected),
    )


def changed(request: Request, path: Path, change: str) -> Request:
    network = keras.models.load_model(request.model, compile=False)
    if change == "weights":
        network.layers[-1].set_weights([-values for values in network.layers[-1].get_weights()])
    network.save(path)
    return Request(
        model=path, archive=request.archive, paths=request.paths, squares=request.squares, expected=request.expected
    )


def test_a_faithful_export_passes_in_both_formats(verifier: Verifier, request_for: Request, tmp_path: Path) -> None:
    verifier.begin(request_for)
    verifier.begin(changed(request_for, tmp_path / "model.h5", "nothing"))
    for name in ("model.keras", "model.h5"):
        check = verifier.check()
        assert objection(name, check) is None
        assert check.same_input_gap < 1e-5
        assert 0 < check.raw_gap < 0.01


def test_other_weights_are_noticed(verifier: Verifier, request_for: Request, tmp_path: Path) -> None:
    verifier.begin(changed(request_for, tmp_path / "model.keras", "weights"))
    fault = objection("model.keras", verifier.check())
    assert fault is not None
    assert fault.code == "export_not_faithful"


def test_a_truncated_file_is_noticed(verifier: Verifier, request_for: Request, tmp_path: Path) -> None:
    request = changed(request_for, tmp_path / "model.h5", "nothing")
    request.model.write_bytes(request.model.read_bytes()[:1000])
    verifier.begin(request)
    fault = objection("model.h5", verifier.check())
    assert fault is not None
    assert "could not be loaded" in fault.message


def test_a_verifying_process_that_dies_is_replaced(verifier: Verifier, request_for: Request) -> None:
    for child in psutil.Process().children():
        if "services.trainer.export.verify" in child.cmdline():
            child.kill()
            child.wait()
    verifier.begin(request_for)
    assert objection("model.keras", verifier.check()) is None
