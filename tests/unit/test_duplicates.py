"""Copies are found, pictures that merely resemble one another are not, and no chain swallows a data set."""

import io
from collections.abc import Callable
from itertools import permutations

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits

from services.trainer.data.copies.groups import alike_groups, is_pure, split_groups
from services.trainer.data.copies.identical import Copies
from services.trainer.data.copies.look import (
    LOOK_PX,
    NUM_SUMMED,
    THUMBNAIL_PX,
    hash_of,
    look_of,
    perceptual_hash,
    summed,
    thumbnail_of,
)
from services.trainer.data.copies.search import MAX_BITS, MAX_DIFFERENCE, Pairs, alike_hashes, moments, near_pairs
from tests.archive_making import encoded, photograph


def search(pictures: list[Image.Image]) -> Pairs:
    """Look for near-duplicates the way prepare does."""
    squares = [picture.convert("RGB").resize((LOOK_PX, LOOK_PX), Image.Resampling.BILINEAR) for picture in pictures]
    thumbnails = np.stack([np.asarray(thumbnail_of(each)) for each in squares])
    looks = np.array([look_of(each) for each in thumbnails], np.float32)
    paths = [f"{number}.jpg" for number in range(len(pictures))]
    return near_pairs(np.array([hash_of(each) for each in squares], np.uint64), looks, thumbnails, paths)


def pairs_of(hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8]) -> Pairs:
    return moments(hashes, np.array([look_of(each) for each in thumbnails], np.float32), thumbnails)


def group_sizes(pairs: Pairs, labels: NDArray[np.int32]) -> list[int]:
    return sorted(np.unique(split_groups(pairs, labels), return_counts=True)[1].tolist(), reverse=True)


def random_thumbnails(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, THUMBNAIL_PX, THUMBNAIL_PX, 3), np.uint8)


def test_the_hash_is_the_one_of_the_imagehash_library() -> None:
    for seed in range(20):
        grey = photograph(seed, (32, 32), "L")
        theirs = imagehash.phash(grey).hash
        assert perceptual_hash(np.asarray(grey)) == int.from_bytes(np.packbits(theirs).tobytes())


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: Image.open(io.BytesIO(encoded(picture, "JPEG", quality=40))),
        lambda picture: picture.resize((60, 48), Image.Resampling.BICUBIC),
        lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    ],
    ids=["recompressed", "rescaled", "brightened"],
)
def test_edited_copies_are_recognised(change: Callable[[Image.Image], Image.Image]) -> None:
    originals = [photograph(seed, (240, 192)) for seed in range(20)]
    pairs = search([*originals, *(change(picture) for picture in originals)])
    found = {tuple(sorted(pair)) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert {(number, number + 20) for number in range(20)} == found


def test_other_pictures_are_not_recognised() -> None:
    assert len(search([photograph(seed) for seed in range(150)]).first) == 0


def test_the_same_shape_in_another_colour_is_another_picture() -> None:
    shape = np.asarray(photograph(1, (96, 96)))
    assert len(search([Image.fromarray(shape), Image.fromarray(shape[..., ::-1].copy())]).first) == 0


def test_handwritten_digits_are_not_lumped_together() -> None:
    digits = load_digits()
    pictures = [Image.fromarray((image * 255 / 16).astype(np.uint8)) for image in digits.images[:400]]
    sizes = group_sizes(search(pictures), digits.target[:400].astype(np.int32))
    assert sizes[0] <= 10
    assert sum(size for size in sizes if size > 1) < 0.1 * len(pictures)


def test_plain_cards_can_still_be_split() -> None:
    generator = np.random.default_rng(3)
    cards = [np.full((40, 40, 3), colour) + generator.integers(0, 3, (40, 40, 3)) for colour in [90] * 30 + [160] * 30]
    labels = np.repeat(np.arange(2, dtype=np.int32), 30)
    groups = split_groups(search([Image.fromarray(card.astype(np.uint8)) for card in cards]), labels)
    for label in (0, 1):
        own = groups[labels == label]
        assert len(np.unique(own)) >= 3
        assert np.bincount(own).max() <= 0.7 * len(own)


def test_a_class_of_one_burst_can_be_split_and_is_still_known_as_one_group() -> None:
    still = np.asarray(photograph(5, (96, 96)), np.int16)
    generator = np.random.default_rng(6)
    burst = [np.clip(still + generator.integers(-9, 10, still.shape), 0, 255).astype(np.uint8) for _ in range(30)]
    labels = np.array([0] * 30 + [1] * 5, np.int32)
    pairs = search([*map(Image.fromarray, burst), *(photograph(50 + seed) for seed in range(5))])
    assert np.bincount(alike_groups(pairs, 35)).max() == 30
    own = split_groups(pairs, labels)[:30]
    assert len(np.unique(own)) >= 3
    assert np.bincount(own).max() <= 0.7 * len(own)


def test_a_burst_stays_in_one_piece_where_the_rest_of_its_class_allows_a_split() -> None:
    chain = np.arange(53)
    pairs = Pairs(first=chain, second=chain + 1, difference=np.full(53, 0.1, np.float32))
    labels = np.array([0] * 66 + [1] * 20, np.int32)
    assert group_sizes(pairs, labels) == [54] + [1] * 32


def test_a_chain_of_alike_frames_is_one_group_if_the_class_has_more() -> None:
    chain = np.arange(9)
    pairs = Pairs(first=chain, second=chain + 1, difference=np.full(9, 0.1, np.float32))
    labels = np.array([0] * 20 + [1] * 5, np.int32)
    assert group_sizes(pairs, labels) == [10] + [1] * 15


def test_a_class_of_one_chain_is_parted_where_it_is_least_alike() -> None:
    chain = np.arange(9)
    difference = np.array([0.01, 0.01, 0.1, 0.01, 0.01, 0.1, 0.01, 0.01, 0.01], np.float32)
    labels = np.array([0] * 10 + [1] * 5, np.int32)
    assert group_sizes(Pairs(first=chain, second=chain + 1, difference=difference), labels) == [4, 3, 3] + [1] * 5


def test_groups_across_classes_are_known_as_impure() -> None:
    groups, labels = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1], np.int32)
    assert is_pure(groups, labels).tolist() == [False, False, True, True]


def test_hashes_a_few_bits_apart_are_found_and_further_ones_are_not() -> None:
    generator = np.random.default_rng(1)
    base = generator.integers(0, 2**63, 200, dtype=np.uint64)
    thumbnails = random_thumbnails(200)
    for num_bits in (MAX_BITS, MAX_BITS + 1):
        flips = [generator.choice(64, num_bits, replace=False) for _ in base]
        masks = np.array([sum(1 << int(bit) for bit in each) for each in flips], np.uint64)
        pairs = pairs_of(np.concatenate([base, base ^ masks]), np.concatenate([thumbnails, thumbnails]))
        assert len(pairs.first) == (200 if num_bits == MAX_BITS else 0)


class CountedThumbnails:
    """Thumbnails that count how often one of them is read."""

    def __init__(self, thumbnails: NDArray[np.uint8]) -> None:
        self.thumbnails = thumbnails
        self.num_read = 0

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        self.num_read += len(rows)
        return self.thumbnails[rows]


def test_of_many_pictures_with_the_same_hash_each_is_compared_with_few() -> None:
    count = 3_000
    thumbnails = CountedThumbnails(random_thumbnails(count))
    moments(np.full(count, 7, np.uint64), np.full((count, 2), (127.0, 50.0), np.float32), thumbnails)
    assert 10 * count < thumbnails.num_read < 100 * count  # all pairs would be 3,000 times as many


def test_of_many_hashes_every_near_pair_is_found_and_found_once() -> None:
    generator = np.random.default_rng(2)
    hashes = generator.integers(0, 2**63, 12_000, dtype=np.uint64)
    hashes[6_000:] = hashes[:6_000] ^ np.uint64(0b111 << 40)
    looks = np.column_stack([generator.uniform(60, 200, 12_000), np.full(12_000, 400.0)]).astype(np.float32)
    found = [pair for first, second in alike_hashes(hashes, looks) for pair in zip(first, second, strict=True)]
    assert sorted(found) == [(row, row + 6_000) for row in range(6_000)]


def test_among_very_many_pictures_with_one_hash_a_copy_is_found_by_its_brightness() -> None:
    """X-rays, plain cards: hundreds share a hash, and only a few neighbours of each are compared."""
    generator = np.random.default_rng(4)
    pictures = [
        np.clip(level + spread * generator.normal(0, 1, (THUMBNAIL_PX, THUMBNAIL_PX, 3)), 0, 255).astype(np.uint8)
        for level, spread in zip(np.linspace(40, 215, 150), generator.permutation(np.linspace(5, 40, 150)), strict=True)
    ]
    pairs = pairs_of(np.full(300, 7, np.uint64), np.stack([*pictures, *pictures]))
    found = {tuple(sorted(pair)) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert found == {(number, number + 150) for number in range(150)}


def test_every_pair_is_judged_by_its_own_difference() -> None:
    base = photograph(3, (96, 96))
    tinted = Image.fromarray(np.asarray(base)[..., ::-1].copy())
    darker = ImageEnhance.Brightness(base).enhance(0.97)
    pairs = search([base, darker, tinted])
    assert {tuple(sorted(pair)) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)} == {(0, 1)}


def test_pictures_of_one_moment_differ_by_what_is_left_beside_their_brightness() -> None:
    base = photograph(3, (240, 192))
    again = ImageEnhance.Brightness(Image.open(io.BytesIO(encoded(base, "JPEG", quality=40)))).enhance(1.02)
    pictures = [each.resize((LOOK_PX, LOOK_PX), Image.Resampling.BILINEAR) for each in (base, again)]
    thumbnails = np.stack([np.asarray(thumbnail_of(each)) for each in pictures])
    values = summed(thumbnails).reshape(2, -1) / NUM_SUMMED
    centred = values - values.mean(axis=1, keepdims=True)
    expected = np.abs(centred[0] - centred[1]).mean() / values.std(axis=1).min()
    assert 0.005 < expected < MAX_DIFFERENCE
    assert pairs_of(np.full(2, 7, np.uint64), thumbnails).difference == pytest.approx([expected], rel=1e-3)


def test_two_takes_of_a_product_in_many_colours_stay_on_one_side() -> None:
    """One shape has one hash in all its colours, so the other take is not the next neighbour of the first."""
    shape = np.asarray(photograph(1, (96, 96), "L"), np.float64)[..., None]
    tints = [np.array(tint) for tint in permutations((1.0, 0.7, 0.4))]
    takes = [shape * tint * light for light in (0.95, 1.0) for tint in tints]
    pairs = search([Image.fromarray(take.astype(np.uint8)) for take in takes])
    found = {tuple(sorted(pair)) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert found == {(number, number + len(tints)) for number in range(len(tints))}


def test_a_scene_by_day_and_the_same_by_night_may_both_judge_the_network() -> None:
    """Images that are alike across classes only train; what the light tells apart is not alike."""
    day = [np.asarray(photograph(seed, (96, 96)), np.int16) // 2 + 120 for seed in range(20)]
    night = [np.asarray(photograph(seed, (96, 96)), np.int16) // 2 + 10 for seed in range(14, 34)]
    labels = np.repeat(np.arange(2, dtype=np.int32), 20)
    groups = split_groups(search([Image.fromarray(picture.astype(np.uint8)) for picture in (*day, *night)]), labels)
    assert is_pure(groups, labels).all()


def test_copies_within_a_class_are_dropped_and_across_classes_disputed() -> None:
    copies = Copies()
    taken = [
        copies.admit(b"one", row=0, label=0, path="cats/1"),
        copies.admit(b"one", row=1, label=0, path="cats/2"),
        copies.admit(b"two", row=1, label=0, path="cats/3"),
        copies.admit(b"two", row=2, label=1, path="dogs/1"),
        copies.admit(b"two", row=2, label=1, path="dogs/2"),
    ]
    exact, conflicts, contested = copies.settle([0, 0], ["cats/1", "cats/3"])
    assert taken == [True, False, True, False, False]
    assert exact == 1
    assert [conflict.paths for conflict in conflicts] == [("cats/3", "dogs/1", "dogs/2")]
    assert contested == [1]
