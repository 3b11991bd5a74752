import numpy as np
import pytest

from tools.pretrain.cache import ImageCache, split_cache
from tools.pretrain.view import ViewRecipe, draw_batch

RECIPE = ViewRecipe(size_px=24, mosaic_frac=0.5)


@pytest.fixture
def cache():
    images = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), dtype=np.uint8)
    labels = np.repeat(np.arange(10, dtype=np.int32), 20)
    return ImageCache(images=images, labels=labels, class_names=tuple("abcdefghij"))


def draw(cache, seed, recipe=RECIPE):
    positions = split_cache(cache).training
    return draw_batch(cache, positions, recipe=recipe, batch_size=8, generator=np.random.default_rng(seed))


def test_a_share_of_every_class_is_kept_aside_and_the_same_for_a_seed(cache):
    split = split_cache(cache, validation_frac=0.1, seed=3)
    assert np.bincount(cache.labels[split.validation]).tolist() == [2] * 10
    assert sorted([*split.training, *split.validation]) == list(range(200))
    assert split.validation.tolist() == split_cache(cache, validation_frac=0.1, seed=3).validation.tolist()
    assert split.validation.tolist() != split_cache(cache, validation_frac=0.1, seed=4).validation.tolist()


def test_views_have_the_asked_size_and_the_range_that_the_network_takes(cache):
    pixels = draw(cache, 0).pixels
    assert pixels.shape == (8, 24, 24, 3)
    assert pixels.dtype == np.float32
    assert -1 <= pixels.min() < -0.5
    assert 0.5 < pixels.max() <= 1


def test_mosaics_carry_no_label_and_crops_carry_their_own(cache):
    labels = draw(cache, 0).labels
    assert (labels == -1).sum() == 4
    assert set(labels[labels >= 0]) <= set(range(10))


def test_equal_generators_draw_equal_batches_and_others_do_not(cache):
    assert np.array_equal(draw(cache, [0, 7]).pixels, draw(cache, [0, 7]).pixels)
    assert not np.array_equal(draw(cache, [0, 7]).pixels, draw(cache, [0, 8]).pixels)


def test_a_view_without_colour_change_shows_the_photograph_itself(cache):
    recipe = ViewRecipe(size_px=16, mosaic_frac=0, min_area_frac=1, colour_strength=0, grey_frac=0)
    cache.images[:] = np.arange(200, dtype=np.uint8)[:, None, None, None]
    batch = draw(cache, 0, recipe)
    shown = np.rint((batch.pixels[:, 0, 0, 0] + 1) * 127.5).astype(int)
    assert np.allclose(batch.pixels, batch.pixels[:, :1, :1, :1], atol=1e-5)
    assert cache.labels[shown].tolist() == batch.labels.tolist()


def test_grey_views_have_equal_channels(cache):
    pixels = draw(cache, 0, ViewRecipe(size_px=16, grey_frac=1)).pixels
    assert np.allclose(pixels[..., 0], pixels[..., 2], atol=1e-6)
