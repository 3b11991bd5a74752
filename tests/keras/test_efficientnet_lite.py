import json
from pathlib import Path

import keras
import numpy as np
import pytest

from services.trainer.zoo.catalogue import BACKBONES, Backbone
from services.trainer.zoo.efficientnet_lite import TOP_FILTERS, blocks_of, weights_in_order
from services.trainer.zoo.network import build, complete
from services.trainer.zoo.sources.published import find_in_package
from services.trainer.zoo.sources.torch_file import read_tensors
from services.trainer.zoo.sources.weights import Source, WeightsFile, resolve
from tests.zoo_fixture import untrained_head
from tools.reference.efficientnet_lite import EVERY, picture

GOLDEN = json.loads((Path(__file__).parent / "golden" / "efficientnet_lite.json").read_text(encoding="utf-8"))
ROWS = [BACKBONES[name] for name in GOLDEN]
PUBLIC = {each for each in vars(keras.layers).values() if isinstance(each, type)}


def installed(row: Backbone) -> Path:
    path = find_in_package(row)
    if path is None:
        pytest.skip(f"needs {row.package}; pip install 'convtailor[lite]'")
    return path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_is_the_published_network(row, tmp_path):
    golden, path = GOLDEN[row.name], installed(row)
    found = resolve([row.name], mirror=None, cache_dir=tmp_path, allow_download=False)
    ((_, weights),) = found.usable

    network = build(row, weights)
    features = np.asarray(network.model(picture(row.input_px)[None], training=False))[0]
    tensors = read_tensors(path)
    scores = tensors["_fc.weight"] @ features + tensors["_fc.bias"]

    assert weights.source is Source.INSTALLED
    np.testing.assert_allclose(features[::EVERY], golden["features"], atol=2e-4)
    assert np.linalg.norm(features) == pytest.approx(golden["norm"], rel=1e-4)
    assert np.argsort(-scores)[:5].tolist() == golden["top"]
    np.testing.assert_allclose(np.sort(scores)[::-1][:5], golden["scores"], atol=2e-3)


def test_the_published_file_gives_the_same_network_where_nothing_can_be_kept(tmp_path):
    row = BACKBONES["efficientnet_lite0"]
    kept = resolve([row.name], mirror=None, cache_dir=tmp_path, allow_download=False).usable[0][1]

    direct = build(row, WeightsFile.read(installed(row), Source.INSTALLED))

    for ours, same in zip(direct.model.get_weights(), build(row, kept).model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, same)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_size_fits_its_row_and_is_made_of_built_in_layers(row):
    pixels = np.random.default_rng(1).integers(0, 256, (1, row.input_px, row.input_px, 3), dtype=np.uint8)
    network = build(row, None)

    features = np.asarray(network.model(pixels, training=False))
    halves = np.asarray(network.tail(network.trunk(pixels.astype(np.float32), training=False), training=False))

    np.testing.assert_array_equal(halves, features)
    assert network.model.count_params() == row.parameters
    assert network.model.output_shape == (None, row.feature_width) == (None, TOP_FILTERS)
    assert network.model.get_layer(row.cut_layer) in network.tail_layers
    assert 0 < sum(variable.size for variable in map(np.asarray, network.tail_variables)) < 0.55 * row.parameters
    assert {type(each) for each in network.model.operations} <= PUBLIC


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_its_levels_see_the_image_ever_more_coarsely(row):
    model = build(row, None).model
    sides = [model.get_layer(name).output.shape[1] for name in row.level_names]
    channels = [model.get_layer(name).output.shape[-1] for name in row.level_names]

    assert len(row.levels) == 8
    assert sides == sorted(sides, reverse=True)
    assert channels == sorted(channels)
    assert channels[-1] == row.feature_width


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_plain_keras_loads_it(suffix, tmp_path):
    row = BACKBONES["efficientnet_lite0"]
    model = complete(build(row, None), untrained_head(row.feature_width, 4))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 90, 61, 3), dtype=np.uint8)
    model.save(tmp_path / f"model.{suffix}")

    loaded = keras.models.load_model(tmp_path / f"model.{suffix}", compile=False)

    np.testing.assert_allclose(np.asarray(loaded(pixels)), np.asarray(model(pixels)), atol=1e-6)


def test_weights_of_another_size_are_refused():
    tensors = read_tensors(installed(BACKBONES["efficientnet_lite0"]))

    with pytest.raises(ValueError, match=r"lacks the tensor|numbers below its top"):
        weights_in_order(tensors, width=1.0, depth=1.1)


def test_stem_and_head_keep_their_width_and_the_outer_stages_their_depth():
    small, large = blocks_of(1.0, 1.0), blocks_of(1.1, 1.2)

    assert (len(small), len(large)) == (16, 21)
    assert small[0].channels_in == large[0].channels_in == 32
    assert [block.name for block in small][-1] == [block.name for block in large][-1] == "block7a"
    assert (small[-1].channels_out, large[-1].channels_out) == (320, 352)
