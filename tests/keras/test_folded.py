"""The pass over the photographs computes what the network does, in fewer steps and with few copies of its weights."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from services.trainer.zoo.folded import remembered_means, without_normalisation


def every_kind() -> keras.Model:
    """Return a network in which normalisation follows everything that it may be folded into, and what it may not."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="first_of_all")(image)
    x = layers.Conv2D(4, 3, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.SeparableConv2D(6, 1, use_bias=False)(x)
    x = layers.BatchNormalization(center=False)(x)
    x = layers.Conv2D(6, 1, groups=2)(x)
    x = layers.BatchNormalization()(x)
    read_twice = layers.Conv2D(6, 1)(x)
    x = layers.Add()([layers.BatchNormalization(name="of_one_that_is_read_twice")(read_twice), read_twice])
    x = layers.Conv2D(5, 1, activation="relu")(x)
    x = layers.BatchNormalization(name="after_an_activation")(x)
    given_out = layers.Conv2D(5, 1)(x)
    x = layers.BatchNormalization(name="of_one_that_is_given_out")(given_out)
    return keras.Model(image, [given_out, layers.GlobalAveragePooling2D()(x)])


def test_normalisation_goes_into_the_layer_before_it_and_stays_where_something_else_would_change():
    keras.utils.set_random_seed(3)
    model = every_kind()
    chance = np.random.default_rng(3)
    for layer in model.layers:
        low = 0.5 if isinstance(layer, keras.layers.BatchNormalization) else -1.0  # a variance is positive
        layer.set_weights([chance.uniform(low, 1.5, each.shape) for each in layer.get_weights()])
    before = [each.copy() for each in model.get_weights()]

    folded = without_normalisation(model)

    pixels = chance.uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    for found, expected in zip(folded(pixels), model(pixels), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    left = [each.name for each in folded.layers if isinstance(each, keras.layers.BatchNormalization)]
    assert left == [
        "first_of_all",
        "of_one_that_is_read_twice",
        "after_an_activation",
        "of_one_that_is_given_out",
    ]
    for value, known in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, known, "the network itself is delivered, and stays as it was")


PASS = """
import sys
import numpy as np
from dataclasses import replace
from services.trainer.screening.forward import compile_forward
from services.trainer.zoo.families.mobilenet import levels_of_mobilenet
from services.trainer.zoo.network import build
from tests.peak_memory import peak_bytes
from tests.zoo_fixture import PX, small_backbone
import os
import psutil

alpha = 3.0
large = small_backbone("large")
large = replace(large, arguments={"alpha": alpha}, feature_width=3072, levels=levels_of_mobilenet(alpha))
compile_forward(build(small_backbone("small"), None))(np.zeros((1, PX, PX, 3), np.uint8))
network = build(large, None)
before = psutil.Process().memory_info().rss
compile_forward(network)(np.zeros((1, PX, PX, 3), np.uint8))
print((peak_bytes(os.getpid()) - before) / (4 * network.model.count_params()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process")
def test_a_pass_takes_a_few_copies_of_the_weights_and_not_a_dozen():
    """In a process of its own: what other tests have left lying in this one would count as well."""
    done = subprocess.run([sys.executable, "-c", PASS], stdout=subprocess.PIPE, text=True, check=True)
    assert float(done.stdout) < 3


def test_normalisation_remembers_what_features_were_on_average_over_the_images_that_were_learnt_from():
    rng = np.random.default_rng(0)
    layers = keras.layers
    image = keras.Input((3,))
    normal = layers.BatchNormalization(name="normal")(image)
    joined = layers.Concatenate(name="joined")([layers.ReLU(name="relu")(normal), normal])
    model = keras.Model(image, layers.Add(name="added")([joined, joined]))
    values = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [4.0, 5.0, 6.0], [1.0, 4.0, 9.0]]
    model.get_layer("normal").set_weights([np.array(each) for each in values])
    learnt_from = rng.normal([4.0, 5.0, 6.0], [1.0, 2.0, 3.0], (200_000, 3))
    seen = keras.Model(image, joined).predict_on_batch(learnt_from).mean(axis=0)
    np.testing.assert_allclose(remembered_means(model, "joined"), seen, atol=0.02)
    np.testing.assert_allclose(remembered_means(model, "relu")[0], 1 / np.sqrt(2 * np.pi), atol=0.01)
    assert remembered_means(model, "added") is None
