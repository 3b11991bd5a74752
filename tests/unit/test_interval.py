import pytest

from shared.interval import num_independent, wilson_interval


@pytest.mark.parametrize(
    ("num_right", "num_images", "expected"),
    [
        (81, 263, (0.2553, 0.3662)),  # Newcombe, Statistics in Medicine 17, 1998, table I, method 3
        (15, 148, (0.0624, 0.1605)),  # ibid.
        (0, 20, (0.0000, 0.1611)),  # ibid.
        (1, 29, (0.0061, 0.1718)),  # ibid.
        (10, 10, (0.7225, 1.0)),
        (30, 30, (0.8865, 1.0)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_intervals_are_those_that_are_published(num_right, num_images, expected):
    assert wilson_interval(num_right, num_images) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("num_images", range(1, 60))
def test_intervals_of_everything_and_nothing_are_exact(num_images):
    assert wilson_interval(num_images, num_images)[1] == 1
    assert wilson_interval(0, num_images)[0] == 0


@pytest.mark.parametrize(
    ("group_sizes", "expected"),
    [([], 0), ([1], 1), ([1] * 20, 20), ([6] * 4, 4), ([12], 1), ([8, 1, 1, 1, 1], 144 / 68)],
)
def test_copies_count_for_no_more_than_their_original(group_sizes, expected):
    assert num_independent(group_sizes) == pytest.approx(expected)


def test_an_interval_of_copies_is_as_wide_as_that_of_their_originals():
    assert wilson_interval(0.75 * 4, 4) == pytest.approx(wilson_interval(3, 4))
    assert wilson_interval(1.0 * 3.7, 3.7)[1] == 1
