"""Levels and mirror images: what heads may read of a network, and that what is delivered reads just that."""

import inspect
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

from services.reporter.report.retelling.reason import why_unfrozen
from services.trainer.export.keras_file import portable
from services.trainer.run.device import Precision
from services.trainer.screening.features import FeatureStore, learning_rows, mirrored
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.forward import compile_forward
from services.trainer.training.scoring import score
from services.trainer.tuning.tune import TunePlan, tune
from services.trainer.zoo.catalogue import BACKBONES, BUNDLED
from services.trainer.zoo.head import FEATURES, Head, Reading
from services.trainer.zoo.network import assemble, build, by_fields_of, complete, split
from services.trainer.zoo.plain import with_plain_layers
from services.trainer.zoo.sources.weights import Source, WeightsFile
from shared.job.options import LevelChoice, TuneSearch
from shared.language.speech import speaking
from tests import shared_networks
from tests.doubles.memory_ledger import MemoryLedger
from tests.keras_settings import newer_settings
from tests.zoo_fixture import PX, coloured_dataset, make_run, small_backbone, write_weights

PUBLIC = {each for each in vars(keras.layers).values() if isinstance(each, type)} | {keras.Sequential}
FAMILIES = {
    "tiny",
    "mobilenet_v2_1.4",
    "mobilenet_v3_large_0.75",
    "efficientnet_lite1",
    "efficientnet_b2",
    "efficientnet_v2_s",
    "vgg19",
    "xception",
    "resnet101_v2",
    "densenet169",
    "convnext_small",
    "nasnet_mobile",
}
"""One of each family, others than those that ``test_network.py`` builds whole; ``make family`` looks at every row."""
ROWS = [
    pytest.param(row, id=name, marks=[pytest.mark.family] * (name not in FAMILIES)) for name, row in BACKBONES.items()
]
AUTO, ALL = (HeadPlan(levels=levels, epochs=3) for levels in (LevelChoice.AUTO, LevelChoice.ALL))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return coloured_dataset(tmp_path_factory.mktemp("dataset"), per_class=40)


CONVOLUTIONS = keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense
NUM_AXES = 4


def test_every_network_of_keras_has_a_row():
    published = {name for name, value in vars(keras.applications).items() if inspect.isfunction(value)}
    assert len(published) > 35
    assert published <= {row.constructor for row in BACKBONES.values()}
    for row in BACKBONES.values():
        assert row.licence, row.name
        assert row.weights_url is not None or row.package is not None or row.name == BUNDLED, row.name


@pytest.mark.parametrize("row", ROWS)
def test_layers_levels_cut_and_cost_of_every_row_are_as_stated(row):
    with keras.StatelessScope():  # shapes without weights
        model = assemble(row)
        network = split(row, with_plain_layers(model, has_weights=False))
    order = [layer.name for layer in network.model.layers]
    outputs = [network.model.get_layer(name).output for name in row.level_names]

    assert sorted(row.level_names, key=order.index) == list(row.level_names)
    assert [each.shape[-1] for each in outputs] == [width for _, width in row.levels]
    assert all(len(each.shape) == 4 for each in outputs)
    sides = [each.shape[1] for each in outputs]
    assert sides == sorted(sides, reverse=True)
    assert len(row.levels) >= 4
    assert row.levels[-1][1] == row.feature_width
    assert network.whole.output_shape == [(None, *network.cut_shape), (None, row.pooled_width)]
    assert network.model.get_layer(row.cut_layer) in network.tail_layers
    assert sum(np.prod(each.shape) for each in model.weights) == row.parameters
    assert sum(np.prod(each.shape) for each in network.tail_variables) < 0.55 * row.parameters
    assert {type(each) for each in network.model.operations} <= PUBLIC
    assert gflops_of(model) == pytest.approx(row.gflops, rel=0.05)


def gflops_of(model):
    """Twice the multiplications of convolutions, in billions, for one image; a dense layer at each place is one."""
    total = 0
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.SeparableConv2D):
            total += 2 * np.prod(layer.output.shape[1:3]) * sum(np.prod(each.shape) for each in layer.weights[:2])
        elif isinstance(layer, CONVOLUTIONS) and len(layer.output.shape) == NUM_AXES:
            total += 2 * np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape)
    return total / 1e9


def test_one_pass_gives_the_features_and_what_stands_where_at_all_levels_before_them(dataset, weights):
    network = build(small_backbone("one"), weights)
    pixels = np.asarray(dataset.images(PX)[:5])
    names = network.backbone.level_names
    levels = keras.Model(network.model.input, [network.model.get_layer(name).output for name in names])
    *early, _ = levels(pixels, training=False)
    expected = [*(by_fields(np.asarray(each)) for each in early), np.asarray(network.model(pixels, training=False))]

    _, pooled = compile_forward(network)(pixels)

    np.testing.assert_allclose(pooled, np.hstack(expected), atol=2e-4)


def by_fields(maps):
    """Means over the quarters of the picture, row by row."""
    half = maps.shape[1] // 2
    fields = [maps[:, top : top + half, left : left + half] for top in (0, half) for left in (0, half)]
    return np.hstack([field.mean(axis=(1, 2)) for field in fields])


def test_of_an_odd_side_the_fields_share_the_line_in_the_middle():
    inputs = keras.Input((7, 5, 2))
    model = keras.Model(inputs, keras.layers.Activation("linear", name="level")(inputs))
    maps = np.random.default_rng(0).normal(size=(3, 7, 5, 2)).astype(np.float32)
    found = np.asarray(keras.Model(inputs, by_fields_of(model, "level"))(maps))
    fields = [maps[:, down, across] for down in (slice(4), slice(3, 7)) for across in (slice(3), slice(2, 5))]
    np.testing.assert_allclose(found, np.hstack([field.mean(axis=(1, 2)) for field in fields]), atol=1e-6)


def test_a_level_of_a_single_place_is_refused_by_name():
    inputs = keras.Input((1, 1, 2))
    model = keras.Model(inputs, keras.layers.Activation("linear", name="level")(inputs))
    with pytest.raises(ValueError, match="level has 1 × 1 places"):
        by_fields_of(model, "level")


def test_what_is_kept_of_mirror_images_is_the_mean_of_both_views(dataset, weights, tmp_path):
    network = build(small_backbone("one"), weights)
    images = np.asarray(dataset.images(PX))
    store = FeatureStore(network, images, tmp_path / "store", max_activation_bytes=0)
    rows = np.arange(0, len(images), 2)
    assert store.compute(rows)
    assert store.compute(rows, views=2)
    flipped = FeatureStore(network, mirrored(images), tmp_path / "flipped", max_activation_bytes=0)
    assert flipped.compute(rows)

    every = Reading(num_levels=7)
    expected = (store.read_by(every)[rows] + flipped.read_by(every)[rows]) / 2
    np.testing.assert_allclose(store.read_by(Reading(num_levels=7, views=2))[rows], expected, atol=1e-4)
    assert store.is_done(rows, views=2)
    assert not store.is_done(np.arange(len(images)), views=2)


@pytest.fixture(scope="module")
def network(request):
    """A network of the catalogue at a size that is quick."""
    keras.utils.set_random_seed(0)
    return build(replace(BACKBONES[request.param], input_px=96), None)


READINGS = [FEATURES, Reading(num_levels=3), Reading(views=2), Reading(num_levels=4, views=2)]
NETWORKS = [*(("mobilenet_0.25", each) for each in READINGS), ("convnext_tiny", READINGS[-1])]
"""One of layers that Keras has had for long by every reading, one with layers of its own by the fullest."""


@pytest.mark.parametrize(("network", "reading"), NETWORKS, indirect=["network"])
def test_plain_keras_loads_every_reading_and_gives_what_the_head_gives(network, reading, tmp_path):
    row = network.backbone
    generator = np.random.default_rng(0)
    kernel = generator.normal(0, 1, (row.width_of(reading.num_levels), 4)).astype(np.float32)
    head = Head(kernel=kernel, bias=np.arange(4, dtype=np.float32), reading=reading)
    pixels = generator.integers(0, 256, (3, row.input_px, row.input_px, 3), dtype=np.uint8)
    views = [
        np.asarray(network.whole(each.astype(np.float32), training=False)[1]) for each in (pixels, mirrored(pixels))
    ]
    read = np.mean(views[: reading.views], axis=0)[:, -len(kernel) :]
    scores = head.logits(read)
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))

    model = complete(network, head)
    portrait = generator.integers(0, 256, (1, 90, 61, 3), dtype=np.uint8)
    for name in ("model.h5", "model.keras"):
        portable.save(model, tmp_path / name)
        loaded = keras.models.load_model(tmp_path / name, compile=False)
        probabilities = np.asarray(loaded(pixels))
        np.testing.assert_allclose(probabilities, expected / expected.sum(axis=1, keepdims=True), atol=1e-4)
        np.testing.assert_allclose(np.asarray(loaded(portrait)), np.asarray(model(portrait)), atol=1e-5)
    configuration = portable.without_newer(keras.saving.serialize_keras_object(model))
    assert list(newer_settings(configuration)) == []


def test_a_head_that_is_fitted_to_its_end_is_judged_by_all_it_may_learn_from(dataset, weights, tmp_path):
    found = shared_networks.screen(dataset.learning, [(small_backbone("one"), weights)], make_run(tmp_path), ALL)

    (result,) = found.candidates
    judged = result.cross_validation
    assert judged.num_images == len(dataset.split.train) + len(dataset.split.validation)
    assert result.val_accuracy == judged.accuracy
    assert result.best_epoch is None
    assert result.levels == small_backbone("one").level_names
    assert found.head.reading == Reading(num_levels=7)
    assert found.head.temperature is not None
    assert result.parameters == 218_544 + (4 * (752 - 256) + 256) * 3 + 3  # all but the last level by quarters


def test_the_cheaper_of_two_alike_wins_and_a_successor_finds_the_same(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    usable = [(small_backbone("dear", gflops=2), weights), (small_backbone("cheap"), weights)]
    first = shared_networks.screen(dataset.learning, usable, make_run(tmp_path / "a", ledger=ledger), AUTO)
    again = shared_networks.screen(dataset.learning, usable, make_run(tmp_path / "b", ledger=ledger), AUTO)

    assert first.winner.name == again.winner.name == "cheap"
    assert again.store is None
    assert again.head.reading == first.head.reading
    assert again.head.temperature == first.head.temperature
    np.testing.assert_array_equal(again.head.kernel, first.head.kernel)
    np.testing.assert_array_equal(again.out_of_fold.loss, first.out_of_fold.loss)


@dataclass(frozen=True, kw_only=True)
class ByEpochs(HeadPlan):
    """As on a machine where a fit to the end would take some backbones too long.

    Args:
        names: Of these.
    """

    names: tuple[str, ...]

    def is_convex(self, dataset, backbone, run):
        """See :class:`HeadPlan`."""
        return backbone.name not in self.names


def test_how_sure_a_choice_is_is_told_of_the_winner_and_of_no_other_network(dataset, weights, tmp_path):
    blind = build(small_backbone("blind"), None)
    blind.model.set_weights([np.zeros_like(values) for values in blind.model.get_weights()])
    blind.model.save_weights(tmp_path / "blind.weights.h5")
    zeros = WeightsFile.read(tmp_path / "blind.weights.h5", Source.MIRROR)
    usable = [(small_backbone("blind"), zeros), (small_backbone("heavy", gflops=2), weights)]
    plan = ByEpochs(levels=LevelChoice.ALL, epochs=3, names=("heavy",))
    found = shared_networks.screen(dataset.learning, usable, make_run(tmp_path / "run"), plan)
    assert found.winner.name == "heavy"
    assert found.out_of_fold is None
    assert found.choice is None, "of what cross-validation found of the other one"


def test_where_all_stages_were_learnt_by_epochs_it_is_told_why_nothing_was_fine_tuned(dataset, weights, tmp_path):
    plan = ByEpochs(levels=LevelChoice.ALL, epochs=2, names=("winner",))
    trained = improved(dataset, weights, make_run(tmp_path / "run"), plan=plan)
    assert trained.tail_weights is None
    assert trained.head.reading == Reading(num_levels=7)
    assert not trained.unfreezing.is_used
    assert "reads all stages and learnt by epochs" in trained.unfreezing.reason
    with speaking("de"):
        assert "Epochen" in why_unfrozen(trained.unfreezing.reason)


def improved(dataset, weights, run, *, views=2, plan=AUTO):
    usable = [(small_backbone("winner"), weights)]
    screening = shared_networks.screen(dataset.learning, usable, run, plan)
    return tune(dataset.learning, screening, run, TunePlan(epochs=2, trials=1, search=TuneSearch.RANDOM, views=views))


@pytest.mark.parametrize(
    ("precision", "plan", "views"),
    [(Precision.FULL, AUTO, 1), (Precision.FULL, ALL, 2), (Precision.MIXED, AUTO, 2), (Precision.MIXED, ALL, 1)],
    ids=["float32-auto-1", "float32-all-2", "mixed-auto-2", "mixed-all-1"],
)
def test_the_delivered_file_gives_the_probabilities_that_were_evaluated(
    precision, plan, views, dataset, weights, tmp_path
):
    run = replace(make_run(tmp_path / "run"), precision=precision)
    trained = improved(dataset, weights, run, views=views, plan=plan)
    scored = score(dataset.learning, dataset.seal(), trained, run)
    scored.model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    delivered = np.asarray(model(np.asarray(dataset.images(PX)[dataset.split.test]), training=False))

    np.testing.assert_allclose(delivered, scored.evaluation.probabilities, atol=1e-4)
    assert scored.evaluation.temperature == trained.head.temperature
    assert (trained.mirroring is not None) == (views == 2)
    assert scored.evaluation.scores.accuracy > 0.6


def test_a_successor_repeats_neither_the_pass_nor_the_choice(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    first = improved(dataset, weights, make_run(tmp_path / "a", ledger=ledger))
    again = improved(dataset, weights, make_run(tmp_path / "b", ledger=ledger, stop_reason=lambda: "budget"))

    assert again.store is None
    assert again.mirroring == first.mirroring
    assert again.head.reading == first.head.reading
    np.testing.assert_array_equal(again.head.kernel, first.head.kernel)


def test_told_to_stop_the_network_keeps_the_single_view_that_was_chosen(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    run = make_run(tmp_path, ledger=ledger, stop_reason=lambda: "budget" if "screen/winner" in ledger.entries else None)
    trained = improved(dataset, weights, run)
    assert trained.mirroring is None
    assert trained.head.reading.views == 1


def sided(directory):
    """Squares that are dark on the left or on the right: the same colours, told apart by their side alone."""
    dataset = coloured_dataset(directory, per_class=40)
    images = np.lib.format.open_memmap(directory / f"images_{PX}.npy", mode="r+")
    generator = np.random.default_rng(0)
    for row, label in enumerate(dataset.labels):
        images[row] = generator.integers(100, 140, (PX, PX, 3))
        if label < 2:
            images[row, :, 4:8] = 240
            images[row, :, 8:20] = 10
            if label:
                images[row] = images[row, :, ::-1]
    images.flush()
    return dataset


def test_mirror_images_are_left_where_left_and_right_tell_the_classes_apart(weights, tmp_path):
    trained = improved(sided(tmp_path / "sided"), weights, make_run(tmp_path / "run"), plan=ALL)
    assert trained.mirroring is not None
    assert not trained.mirroring.is_used
    assert trained.mirroring.accuracy_gain < 0
    assert trained.head.reading.views == 1


def test_with_the_founding_recipe_no_mirror_image_is_looked_at(dataset, weights, tmp_path):
    trained = improved(dataset, weights, make_run(tmp_path), plan=HeadPlan(levels=LevelChoice.LAST, epochs=2))
    assert trained.mirroring is None
    assert trained.result is not None
    assert trained.head.reading == FEATURES
    assert len(learning_rows(dataset.learning)) == 102
