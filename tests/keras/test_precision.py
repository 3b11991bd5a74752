"""Mixed precision, forced on a CPU: close to float32 while learning, float32 in what is delivered."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from services.trainer.run.device import Precision
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.forward import compile_forward
from services.trainer.screening.screen import screen
from services.trainer.tuning.loss_scale import LossScale
from services.trainer.tuning.tail import Tail
from services.trainer.tuning.tune import TunePlan, tune
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import build, complete
from services.trainer.zoo.precision import computing_in
from services.trainer.zoo.sources.weights import resolve
from shared.job.findings.training import Hyperparameters
from shared.job.options import TuneSearch
from tests.zoo_fixture import PX, by_epochs, coloured_dataset, make_run, small_backbone, untrained_head, write_weights


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return coloured_dataset(tmp_path_factory.mktemp("dataset"), per_class=40)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


def policies(network) -> list[str]:
    return [layer.dtype_policy.name for layer in network.model.layers]


def test_features_are_close_to_those_of_float32_and_the_network_is_as_before(dataset, weights):
    network = build(small_backbone("probe"), weights)
    before, images = policies(network), np.asarray(dataset.images(PX))

    full = compile_forward(network)(images)
    mixed = compile_forward(network, Precision.MIXED)(images)

    assert policies(network) == before
    assert [each.dtype for each in (*mixed, *full)] == [np.float16, np.float32, np.float32, np.float32]
    for close, exact in zip(mixed, full, strict=True):
        error = np.sqrt(np.mean((close.astype(float) - exact) ** 2))
        assert 0 < error < 0.02 * exact.astype(float).std()
    np.testing.assert_array_equal(compile_forward(network)(images)[1], full[1])


def test_convolutions_compute_in_float16_and_pixels_are_scaled_in_float32(weights):
    network = build(small_backbone("probe"), weights)

    @tf.function(input_signature=[tf.TensorSpec((None, PX, PX, 3), tf.float32)])
    def run(images):
        with computing_in(Precision.MIXED, network.model.layers):
            return network.tail(network.trunk(images, training=False), training=False)

    operations = run.get_concrete_function().graph.get_operations()
    computed = {each.outputs[0].dtype for each in operations if each.type in {"Conv2D", "DepthwiseConv2dNative"}}
    scaled = {each.outputs[0].dtype for each in operations if "preprocess" in each.name and each.outputs}
    pooled = {each.outputs[0].dtype for each in operations if each.type == "Mean"}
    assert (computed, scaled - {tf.int32}, pooled) == ({tf.float16}, {tf.float32}, {tf.float32})


@pytest.mark.parametrize(("loudness", "num_given_up", "most"), [(1e6, 0, 0.02), (1e30, 1, 1e-6)])
def test_a_base_that_leaves_the_range_of_float16_is_computed_in_float32(
    dataset, weights, loudness, num_given_up, most, caplog
):
    """Loud in one layer, and too loud where the next does not take it back; in float16 caps at 6 hide what is lost."""
    network = build(small_backbone("loud"), weights)
    loud, quiet = network.model.get_layer("conv_pw_11"), network.model.get_layer("conv_pw_11_bn")
    loud.kernel.assign(loud.kernel * loudness)
    quiet.moving_variance.assign(quiet.moving_variance * min(loudness**2, 1e38))
    images = np.asarray(dataset.images(PX))

    forward = compile_forward(network, Precision.MIXED)
    mixed = np.concatenate([forward(part)[1] for part in np.array_split(images, 3)])

    exact = compile_forward(network)(images)[1]
    assert np.linalg.norm(mixed - exact) <= most * np.linalg.norm(exact)
    assert mixed.std() > 0.01
    assert caplog.text.count("mixed precision given up") == num_given_up


def test_a_step_is_close_to_that_of_float32(dataset, weights, tmp_path):
    store = FeatureStore(build(small_backbone("w"), weights), dataset.images(PX), tmp_path, max_activation_bytes=1e9)
    rows = dataset.split.train[:32]
    activations, labels = store.activations_of(rows), dataset.labels[rows]
    recipe = Hyperparameters(learning_rate=1e-3, batch_size=32)
    made = []
    for precision in Precision:
        head = Head(kernel=np.full((256, 3), 0.01, np.float32), bias=np.zeros(3, np.float32))
        network = build(small_backbone("w"), weights)
        tail = Tail(network, head, class_weights=np.ones(3, np.float32), seed=0, precision=precision)
        start = tail.read()
        losses = [tail.learn(activations, labels, recipe, rate=1e-3)[0] for _ in range(5)]
        made.append((losses, tail.logits(activations), tail.read(), start))
        assert {variable.dtype for variable in network.tail_variables} == {"float32"}

    (full_losses, full_logits, full, start), (losses, logits, mixed, _) = made
    np.testing.assert_allclose(losses, full_losses, rtol=0.02)
    np.testing.assert_allclose(logits, full_logits, atol=0.1 * np.abs(full_logits).max())
    for ours, theirs, before in zip(mixed.tail, full.tail, start.tail, strict=True):
        assert ours.dtype == np.float32
        moved = np.abs(theirs - before)
        assert np.median(np.abs(ours - theirs)) <= 0.1 * np.median(moved)


def test_a_tail_that_overflows_float16_learns_in_float32(dataset, weights, tmp_path, caplog):
    recipe = Hyperparameters(learning_rate=1e-4, batch_size=16)
    rows = dataset.split.train[:16]
    losses = {}
    for precision in Precision:
        network = build(small_backbone("loud"), weights)
        network.model.get_layer("conv_pw_13").kernel.assign(np.full((1, 1, 256, 256), 1e6))
        store = FeatureStore(network, dataset.images(PX), tmp_path / precision, max_activation_bytes=1e9)
        tail = Tail(network, untrained_head(256, 3), class_weights=np.ones(3, np.float32), seed=0, precision=precision)
        learnt = [tail.learn(store.activations_of(rows), dataset.labels[rows], recipe, rate=1e-4)[0] for _ in range(2)]
        losses[precision] = learnt

    assert caplog.text.count("mixed precision given up") == 1
    assert losses[Precision.MIXED] == pytest.approx(losses[Precision.FULL], rel=1e-5)


def test_the_delivered_network_is_float32_and_as_accurate(dataset, weights, tmp_path):
    accuracies = {}
    for precision in Precision:
        run = replace(make_run(tmp_path / precision), precision=precision)
        backbone = small_backbone("winner")
        screening = screen(dataset, [(backbone, weights)], run, by_epochs(3))
        trained = tune(dataset, screening, run, TunePlan(epochs=3, trials=1, search=TuneSearch.RANDOM))
        model = complete(screening.store.network, trained.head, tail_weights=trained.tail_weights)
        rebuilt = complete(build(backbone, weights), trained.head, tail_weights=trained.tail_weights)
        path = tmp_path / f"{precision}.keras"
        model.save(path)
        loaded = keras.models.load_model(path, compile=False)

        assert {each.dtype_policy.name for each in loaded.layers} <= {"float32", "uint8"}
        assert {str(weight.dtype) for weight in loaded.weights} == {"float32"}
        images = np.asarray(dataset.images(PX)[dataset.split.test])
        probabilities = np.asarray(loaded(images, training=False))
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(np.asarray(rebuilt(images, training=False)), probabilities, atol=1e-6)
        accuracies[precision] = float((probabilities.argmax(1) == dataset.labels[dataset.split.test]).mean())

    assert accuracies[Precision.MIXED] >= accuracies[Precision.FULL] - 0.1
    assert accuracies[Precision.FULL] > 0.6


def test_the_bundled_backbone_sees_the_same_in_either_precision():
    ((backbone, weights),) = resolve(["tiny"], mirror=None, allow_download=False).usable
    assert backbone is BACKBONES["tiny"]
    side = backbone.input_px
    images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    network = build(backbone, weights)

    full = compile_forward(network)(images)[1]
    mixed = compile_forward(network, Precision.MIXED)(images)[1]

    cosine = (full * mixed).sum(1) / np.linalg.norm(full, axis=1) / np.linalg.norm(mixed, axis=1)
    assert cosine.min() > 0.999


def test_the_loss_is_enlarged_as_far_as_gradients_bear():
    scale = LossScale()
    loss, gradient = tf.constant(0.5), tf.constant([1e-6, -2.0])
    start = float(scale.enlarge(loss)) / 0.5
    assert start > 1e4

    (restored,), are_numbers = scale.restore([gradient * start])
    assert bool(are_numbers)
    np.testing.assert_array_equal(restored, gradient)

    _, are_numbers = scale.restore([gradient, tf.constant([np.inf])])
    assert not bool(are_numbers)
    assert float(scale.enlarge(loss)) == start / 4

    for _ in range(2000):
        scale.restore([gradient])
    assert float(scale.enlarge(loss)) == start / 2
