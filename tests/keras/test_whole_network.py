"""All of a network learns from pictures that are varied on the device, in float32 and in mixed precision alike."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from services.trainer.fitting.standard import standard_of
from services.trainer.run.device import Precision
from services.trainer.tuning.unfreezing.augment import augmented
from services.trainer.tuning.unfreezing.learner import Learner, Manner, Rates, fits_memory
from services.trainer.tuning.unfreezing.sample import PixelSample
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.network import build, split
from tests.zoo_fixture import PX, coloured_dataset, small_backbone, write_weights

EVERY = Reading(num_levels=7)
RATES = Rates(rate=1e-4, decay=0.0, smoothing=0.0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    dataset = coloured_dataset(tmp_path_factory.mktemp("dataset"), per_class=8)
    rows = np.arange(dataset.num_images)
    return PixelSample(rows=rows, labels=dataset.labels, images=dataset.images(PX), views=2)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    whole = build(small_backbone("one"), write_weights(tmp_path_factory.mktemp("weights")))
    return split(replace(small_backbone("one"), cut_inputs=("preprocess",)), whole.model)


def learner_of(network, pictures, precision):
    width = network.backbone.pooled_width
    batch = pictures.batch(pictures.rows, 0)
    _, pooled = network.whole(batch.activations.astype(np.float32), training=False)
    head = Head(kernel=np.zeros((width, 3), np.float32), bias=np.zeros(3, np.float32), reading=EVERY)
    manner = Manner(from_pixels=True, may_flip=True, precision=precision, seed=7)
    standard = standard_of(np.asarray(pooled), pictures.rows)
    learner = Learner(network, head, standard, np.ones(3, np.float32), manner=manner)
    learner.restart(head)
    return learner


def learnt(learner, pictures, num_steps):
    batch = pictures.batch(pictures.rows, 0)
    return [learner.learn(batch, RATES) for _ in range(num_steps)], learner.logits(batch)


def test_it_learns_from_the_first_layer_on_in_both_precisions_and_is_put_back(network, pictures):
    before, policies = network.read_tail(), [layer.dtype_policy.name for layer in network.model.layers]
    found = {}
    for precision in Precision:
        learner = learner_of(network, pictures, precision)
        found[precision] = learnt(learner, pictures, 3)
        assert not np.array_equal(learner.read().tail[0], before[0])  # the first kernel of all
        assert learner.logits(pictures.batch(pictures.rows, 1)).dtype == np.float32
        learner.put_back()
        for kept, original in zip(network.read_tail(), before, strict=True):
            np.testing.assert_array_equal(kept, original)
    assert [layer.dtype_policy.name for layer in network.model.layers] == policies
    (full, logits), (mixed, close) = found[Precision.FULL], found[Precision.MIXED]
    assert full[-1] < full[0]
    np.testing.assert_allclose(mixed, full, rtol=0.05)
    assert 0 < np.abs(close - logits).max() < 0.2 * np.abs(logits).max()


def test_where_float16_cannot_hold_it_it_learns_in_float32_from_then_on(network, pictures, caplog):
    loud = network.model.get_layer("conv_pw_13").kernel
    before = np.array(loud)
    loud.assign(np.full(before.shape, 1e6))
    try:
        learner = learner_of(network, pictures, Precision.MIXED)
        losses, logits = learnt(learner, pictures, 2)
    finally:
        loud.assign(before)
    assert caplog.text.count("mixed precision given up") == 1
    assert losses[0] == pytest.approx(np.log(3), rel=1e-4)
    assert np.isfinite([*losses, *logits.ravel()]).all()


def test_no_step_is_taken_that_the_memory_of_the_machine_cannot_hold(network):
    assert fits_memory(network, 32, None)
    assert fits_memory(network, 32, 10**10)
    assert not fits_memory(network, 2**20, 10**10)
    assert not fits_memory(network, 1, 800 * 10**6), "what verifies needs some too"


def test_a_batch_is_read_from_the_disk_in_either_view_and_nothing_of_it_stays(pictures):
    rows = pictures.rows[3:5]
    single, mirrored = (pictures.batch(rows, view).activations for view in (0, 1))
    np.testing.assert_array_equal(single, np.asarray(pictures.images[rows]))
    np.testing.assert_array_equal(mirrored, single[:, :, ::-1])


def varied(pixels, seed, *, may_flip=False):
    targets = tf.one_hot(np.arange(len(pixels)) % 2, 2)
    mixed, found = augmented(tf.constant(pixels), targets, tf.constant([3, seed]), may_flip=may_flip)
    return mixed.numpy(), found.numpy()


def test_pictures_are_varied_alike_by_the_same_seed_and_stay_pictures_of_their_own_class():
    pixels = np.random.default_rng(0).uniform(0, 255, (64, 12, 12, 3)).astype(np.float32)
    one, targets = varied(pixels, 1)
    np.testing.assert_array_equal(varied(pixels, 1)[0], one)
    assert not np.allclose(varied(pixels, 2)[0], one)
    assert one.shape == pixels.shape
    assert 0 <= one.min() < one.max() <= 255
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, atol=1e-5)
    assert (targets.argmax(axis=1) == np.arange(64) % 2).all()


@pytest.mark.parametrize("may_flip", [False, True])
def test_left_stays_left_unless_mirror_images_may_be_learnt_from(may_flip):
    pixels = np.zeros((200, 12, 12, 3), np.float32)
    pixels[:, :, 6:] = 200.0
    found = varied(pixels, 5, may_flip=may_flip)[0]
    are_turned = found[:, :, :3].mean(axis=(1, 2, 3)) > found[:, :, -3:].mean(axis=(1, 2, 3))
    assert are_turned.any() == may_flip
    assert not are_turned.all()
