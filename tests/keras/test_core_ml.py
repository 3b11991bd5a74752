"""What is written for Core ML computes what the network does, by an interpreter of ours: Core ML runs on Macs alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.squares_model import from_squares
from services.trainer.export.runtimes import network_of_package
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.network import build, complete
from tests.keras.test_formats import NETWORKS, PX, settle
from tests.zoo_fixture import sloping_pictures

writer = pytest.importorskip("services.trainer.export.formats.coreml.writer", reason="coremltools is not installed")
interpreter = pytest.importorskip("tests.mil_interpreter", reason="coremltools is not installed")


class Interpreted:
    """What ``coremltools.models.MLModel`` is on a Mac."""

    def __init__(self, zipped: Path) -> None:
        self._program, self._spec = interpreter.read_program(zipped, zipped.parent)

    def get_spec(self) -> Any:
        return self._spec

    def predict(self, given: dict[str, Any]) -> Any:
        return interpreter.run(self._program, given)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_file_computes_what_the_network_computes(kind: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    network = settle(NETWORKS[kind]())
    path = tmp_path / "model.mlpackage.zip"
    writer.write_coreml(from_squares(network, PX), path)
    opened = network_of_package(Interpreted(path))
    found = [opened.of_picture(picture).probabilities[0] for picture in sloping_pictures()]
    expected = [np.asarray(network(picture[None], training=False))[0] for picture in sloping_pictures()]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 1e-3  # it does tell pictures apart


def test_a_network_of_the_zoo_gives_probabilities_and_features_one_square_after_the_other(tmp_path: Path) -> None:
    row = replace(BACKBONES["tiny"], input_px=64)
    keras.utils.set_random_seed(0)
    kernel = np.random.default_rng(0).normal(0, 1, (row.width_of(3), 3)).astype(np.float32)
    head = Head(kernel=kernel, bias=np.zeros(3, np.float32), reading=Reading(num_levels=3, views=2))
    squares = from_squares(complete(build(row, None), head), row.input_px)
    path = tmp_path / "model.mlpackage.zip"
    writer.write_coreml(squares, path)
    images = np.random.default_rng(0).uniform(0, 255, (3, row.input_px, row.input_px, 3)).astype(np.float32)
    opened = network_of_package(Interpreted(path))
    found = opened.look(images)
    probabilities, features = squares.model(images, training=False)
    assert opened.side_px == row.input_px
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-4)
    np.testing.assert_allclose(found.features, features, atol=1e-3 * float(np.abs(features).max()))
    weights = tmp_path / "model.mlpackage" / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    assert (
        weights.stat().st_size < 4.5 * squares.model.count_params()
    )  # both views read the same ones, in full precision


def test_what_the_writer_does_not_know_is_said_and_not_guessed() -> None:
    images = keras.Input((PX, PX, 3))
    values = keras.layers.UnitNormalization()(keras.layers.Flatten()(images))
    network = keras.Model(images, keras.layers.Dense(3, activation="softmax")(values))
    with pytest.raises(Inexpressible, match="UnitNormalization"):
        writer.program_of(from_squares(network, PX))
