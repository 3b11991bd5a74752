"""Older Keras reads what is delivered: nothing stands in the files that it does not know."""

import hashlib
from pathlib import Path
from zipfile import ZipFile

import keras
import numpy as np
import pytest

from services.trainer.export.keras_file.portable import save, without_newer
from tests.keras_settings import configuration, newer_settings


def small_network(**of_dense: object) -> keras.Model:
    """One layer of each kind that today's Keras writes more about than an older one knows."""
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3), dtype="uint8")
    values = keras.layers.Rescaling(1 / 255)(images)
    values = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.VarianceScaling(2.0))(values)
    values = keras.layers.BatchNormalization()(values)
    values = keras.layers.GlobalAveragePooling2D()(keras.Sequential([keras.layers.LayerNormalization()])(values))
    return keras.Model(images, keras.layers.Dense(3, activation="softmax", **of_dense)(values))


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_nothing_that_an_older_keras_does_not_know_stands_in_a_delivered_file(name: str, tmp_path: Path) -> None:
    network = small_network()
    network.save(tmp_path / f"as_keras_does.{name.split('.')[1]}")
    assert set(newer_settings(configuration(tmp_path / f"as_keras_does.{name.split('.')[1]}")))

    save(network, tmp_path / name)

    assert list(newer_settings(configuration(tmp_path / name))) == []


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_todays_keras_reads_the_same_network_from_it(name: str, tmp_path: Path) -> None:
    network = small_network()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)

    save(network, tmp_path / name)
    loaded = keras.models.load_model(tmp_path / name, compile=False)

    np.testing.assert_array_equal(np.asarray(loaded(pixels)), np.asarray(network(pixels)))
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_a_newer_setting_that_changes_what_is_computed_stays(name: str, tmp_path: Path) -> None:
    initialiser = keras.initializers.GlorotUniform(input_axes=[0], output_axes=[1])
    save(small_network(kernel_initializer=initialiser), tmp_path / name)
    left = set(newer_settings(configuration(tmp_path / name)))
    assert left == {"GlorotUniform.input_axes", "GlorotUniform.output_axes"}


def test_settings_that_an_older_keras_knows_are_kept_even_at_their_defaults() -> None:
    config = {"name": "a", "trainable": True, "dtype": "float32", "scale": 2.0, "offset": 0.0}
    document = {"layers": [{"class_name": "Rescaling", "config": config}]}
    assert without_newer(document) == document


def test_a_class_that_is_not_in_the_table_is_left_as_it_is() -> None:
    document = {"class_name": "GaussianNoise", "config": {"stddev": 1.0, "seed": None}}
    assert without_newer(document) == document


def test_the_same_network_gives_the_same_entries_but_for_the_date_it_was_saved(tmp_path: Path) -> None:
    network, contents = small_network(), []
    for name in ("one.keras", "two.keras"):
        save(network, tmp_path / name)
        with ZipFile(tmp_path / name) as archive:
            entries = [(each.filename, each.date_time) for each in archive.infolist()]
            contents.append((entries, hashlib.sha256(archive.read("model.weights.h5")).digest()))
    assert contents[0] == contents[1]
