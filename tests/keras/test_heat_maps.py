"""Heat maps are exact: added up over all places they are the score, whatever levels and views the network reads."""

import keras
import numpy as np
import pytest

from services.trainer.evaluation.heat_maps import GRID, HeatMaps, spread
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.network import build, complete


@pytest.mark.parametrize("reading", [Reading(), Reading(num_levels=3, views=2)], ids=str)
def test_the_places_of_a_picture_add_up_to_its_score(reading: Reading) -> None:
    backbone = BACKBONES["tiny"]
    rng = np.random.default_rng(1)
    squares = rng.integers(0, 256, (2, backbone.input_px, backbone.input_px, 3), np.uint8)
    width = backbone.width_of(reading.num_levels)
    head = Head(kernel=rng.normal(0, 0.1, (width, 4)).astype(np.float32), bias=np.zeros(4, np.float32), reading=reading)
    model = complete(build(backbone, None), head)
    classes = np.array([1, 3])
    maps = HeatMaps(model).of(squares, np.arange(2), classes, until=1.0, monotonic=lambda: 0.0)
    logits = np.log(np.asarray(model(squares, training=False)))
    expected = logits[np.arange(2), classes] - logits.mean(axis=1)
    assert maps.shape == (2, GRID, GRID)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), expected, rtol=1e-3, atol=1e-4)


def test_maps_keep_their_sum_and_their_place_on_the_common_grid() -> None:
    coarse = np.zeros((1, 7, 5), np.float32)
    coarse[0, 0, 4] = 3.0
    fine = spread(coarse)
    assert fine.sum() == pytest.approx(3.0)
    assert fine[0, : GRID // 7, GRID * 4 // 5 + 1 :].sum() > 2.5


def test_a_network_that_reads_no_means_has_no_exact_map_and_says_so() -> None:
    image = keras.Input((8, 8, 3))
    answer = keras.layers.Dense(2, activation="softmax", name="probabilities")(keras.layers.Flatten()(image))
    with pytest.raises(ValueError, match="means over the picture"):
        HeatMaps(keras.Model(image, answer))
