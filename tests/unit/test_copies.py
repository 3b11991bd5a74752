"""Copies as programs make them are recognised, and pictures of like things are not."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from services.trainer.data.copies.look import LOOK_PX, THUMBNAIL_PX, thumbnail_of
from services.trainer.data.copies.names import pairs_by_name, stem_of
from services.trainer.data.copies.proposals import propose
from services.trainer.data.copies.search import LEAST_LIKENESS, MOST_PROPOSED, edited, named
from tests.archive_making import photograph

Change = Callable[[Image.Image], Image.Image]
NUM = 12


@cache
def scene(seed: int, size: tuple[int, int] = (240, 192)) -> Image.Image:
    """Return a picture with things of many sizes in it, as a photograph has."""
    coarse = np.asarray(photograph(seed, size), np.float64)
    generator = np.random.default_rng(seed)
    grains = [(size[0] // each, size[1] // each) for each in (6, 12)]
    fine = [Image.fromarray(generator.integers(0, 256, (down, across, 3), np.uint8)) for across, down in grains]
    layers = [np.asarray(each.resize(size, Image.Resampling.BICUBIC), np.float64) for each in fine]
    mixed = 0.4 * coarse + 0.3 * layers[0] + 0.3 * layers[1]
    return Image.fromarray(np.clip(1.5 * (mixed - 128) + 128, 0, 255).astype(np.uint8))


def thumbnails_of(pictures: list[Image.Image]) -> NDArray[np.uint8]:
    squares = [each.convert("RGB").resize((LOOK_PX, LOOK_PX), Image.Resampling.BILINEAR) for each in pictures]
    return np.stack([np.asarray(thumbnail_of(each)) for each in squares])


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        width, height = picture.size
        return picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    return change


def turned(way: Image.Transpose) -> Change:
    return lambda picture: picture.transpose(way)


CHANGES: dict[str, Change] = {
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "a quarter turn": turned(Image.Transpose.ROTATE_90),
    "half a turn": turned(Image.Transpose.ROTATE_180),
    "transposed": turned(Image.Transpose.TRANSPOSE),
    "an eighth off each side": cropped(0.125, 0.125, 0.875, 0.875),
    "an eighth off in all": cropped(0.0625, 0.0625, 0.9375, 0.9375),
    "an eighth off one side": cropped(0.125, 0, 1, 1),
    "an eighth off a corner": cropped(0, 0.125, 0.875, 1),
    "brighter by 40 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.4),
    "darker by 40 %": lambda picture: ImageEnhance.Brightness(picture).enhance(0.6),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.4),
    "less contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.6),
    "rotated by 12 degrees": lambda picture: picture.rotate(12, Image.Resampling.BILINEAR),
    "rotated the other way, on white": lambda picture: picture.rotate(
        -12, Image.Resampling.BILINEAR, fillcolor=(255, 255, 255)
    ),
    "mirrored, cropped, brighter": lambda picture: ImageEnhance.Brightness(
        ImageOps.mirror(cropped(0.1, 0.1, 0.95, 0.95)(picture))
    ).enhance(1.2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_copy_is_recognised_and_nothing_else(change: Change) -> None:
    originals = [scene(seed) for seed in range(NUM)]
    pairs = edited(thumbnails_of([*originals, *map(change, originals)]))
    found = {tuple(sorted(pair)) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert found <= {(number, number + NUM) for number in range(NUM)}
    assert len(found) >= NUM - 1


def test_the_same_thing_in_another_light_or_colour_is_no_copy() -> None:
    scenes = [np.asarray(scene(seed), np.int16) for seed in range(NUM)]
    day, night = ([Image.fromarray((each // 2 + base).astype(np.uint8)) for each in scenes] for base in (120, 8))
    red, blue = (
        [Image.fromarray(each[..., order].astype(np.uint8)) for each in scenes] for order in ([0, 1, 2], [2, 1, 0])
    )
    assert len(edited(thumbnails_of([*day, *night])).first) == 0
    assert len(edited(thumbnails_of([*red, *blue])).first) == 0


def test_products_on_white_ground_are_no_copies_of_one_another() -> None:
    """One outline, other patterns: ground and outline agree, what they surround does not."""
    generator = np.random.default_rng(0)
    shirts = []
    for _ in range(30):
        shirt = np.full((LOOK_PX, LOOK_PX, 3), 255, np.uint8)
        pattern = Image.fromarray(generator.integers(0, 160, (20, 16, 3), np.uint8)).resize((110, 140))
        shirt[40:180, 57:167] = np.asarray(pattern)
        shirts.append(Image.fromarray(shirt).filter(ImageFilter.GaussianBlur(1)))
    assert len(edited(thumbnails_of(shirts)).first) == 0


def test_a_place_that_changed_in_half_its_details_is_no_copy_whatever_its_files_are_called() -> None:
    """As a street an hour later: what is large agrees, and of what is small too much to be chance."""

    def later(seed: int, hour: int) -> Image.Image:
        grains = [np.random.default_rng([seed, own]).integers(0, 256, (32, 40, 3), np.uint8) for own in (0, hour)]
        same, moved = (
            np.asarray(Image.fromarray(each).resize((240, 192), Image.Resampling.BICUBIC), np.float64)
            for each in grains
        )
        mixed = 0.64 * np.asarray(photograph(seed, (240, 192)), np.float64) + 0.18 * same + 0.18 * moved
        return Image.fromarray(mixed.astype(np.uint8))

    thumbnails = thumbnails_of([later(seed, hour) for seed in range(6) for hour in (1, 2)])
    assert len(edited(thumbnails).first) == 0
    assert len(named(thumbnails, [f"a/{seed}{end}.jpg" for seed in range(6) for end in ("", " (2)")]).first) == 0


def test_plain_grounds_are_no_copies_of_one_another() -> None:
    plain = [Image.new("RGB", (80, 60), (level, level, level + 20)) for level in range(40, 220, 6)]
    assert len(edited(thumbnails_of(plain)).first) == 0


def test_in_a_large_set_copies_are_found_with_few_comparisons() -> None:
    num = 300
    pictures = [scene(seed, (96, 80)) for seed in range(num)]
    copies = [ImageOps.mirror(each.rotate(90, expand=True)) for each in pictures[:20]]
    thumbnails = thumbnails_of([*pictures, *copies, *map(cropped(0.125, 0.125, 0.875, 0.875), pictures[20:40])])
    proposed = propose(thumbnails, least=LEAST_LIKENESS, most=MOST_PROPOSED, exact_images=0)
    found = {tuple(sorted(pair)) for pair in zip(proposed.first.tolist(), proposed.second.tolist(), strict=True)}
    assert sum((number, number + num) in found for number in range(40)) >= 39


@pytest.mark.parametrize("exact_images", [4096, 0], ids=["every_pair", "like_spectra"])
def test_copies_are_found_wherever_in_a_set_of_several_blocks_they_stand(exact_images: int) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (1_600, 8, 8, 3), np.uint8)
    thumbnails = np.kron(coarse, np.ones((1, THUMBNAIL_PX // 8, THUMBNAIL_PX // 8, 1), np.uint8))
    pairs = {(0, 1_599), (1, 1_100), (511, 512), (600, 1_023), (1_024, 1_598)}
    for first, second in pairs:
        thumbnails[second] = thumbnails[first]

    proposed = propose(thumbnails, least=LEAST_LIKENESS, most=MOST_PROPOSED, exact_images=exact_images)

    found = zip(proposed.first.tolist(), proposed.second.tolist(), strict=True)
    assert {tuple(sorted(pair)) for pair in found} == pairs


class Counted(np.ndarray):
    """Thumbnails that know how many of them were read."""

    num_read = 0

    def __getitem__(self, key: slice) -> NDArray[np.uint8]:
        part = self.view(np.ndarray)[key]
        self.num_read += len(part)
        return part


def test_proposing_reads_the_pictures_of_a_small_set_once_whatever_windows_they_are_seen_through() -> None:
    thumbnails = thumbnails_of(
        [changed(scene(seed)) for seed in range(6) for changed in (ImageOps.mirror, cropped(0, 0, 0.9, 1))]
    )
    counted = thumbnails.view(Counted)

    found = propose(counted, least=LEAST_LIKENESS, most=MOST_PROPOSED)

    assert counted.num_read == len(thumbnails)
    again = propose(thumbnails, least=LEAST_LIKENESS, most=MOST_PROPOSED)
    np.testing.assert_array_equal(found.likeness, again.likeness)


def test_a_search_can_be_ended() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        edited(thumbnails_of([scene(1), scene(2)]), stop)


@pytest.mark.parametrize(
    "path",
    [
        "a/cat_07.png",
        "b/cat_07_jpg.rf.0123456789abcdef0123456789abcdef.jpg",
        "a/cat_07 (1).jpg",
        "a/cat_07_flip.jpg",
        "a/cat_07-rot90.png",
        "a/cat_07_aug_3.jpg",
        "a/cat_07 copy 2.jpg",
        "a/cat_07_bright1_crop.JPG",
        "a/Copy of cat_07.jpg",
        "a/augmented_cat_07.jpg",
        "a/pets_original_cat_07.jpg_01234567-89ab-cdef-0123-456789abcdef.jpg",
    ],
)
def test_names_of_copies_lead_to_the_name_of_the_original(path: str) -> None:
    assert stem_of(path) == "cat_07"


def test_numbers_that_belong_to_a_name_stay() -> None:
    assert len({stem_of(f"IMG_{number}.jpg") for number in range(20)}) == 20
    assert stem_of("(1).jpg") != ""


def test_numbered_files_of_a_whole_folder_are_no_hint() -> None:
    assert len(pairs_by_name([f"cats/photo ({number}).jpg" for number in range(300)])[0]) == 0


def test_a_name_alone_makes_no_copy_and_a_grey_copy_with_a_name_is_one() -> None:
    pictures = [scene(1), scene(1).convert("L"), scene(2)]
    found = named(thumbnails_of(pictures), ["a/1.jpg", "a/1_gray.jpg", "a/1 (2).jpg"])
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) in ([(0, 1)], [(1, 0)])
