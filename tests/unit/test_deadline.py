"""The one deadline: whatever is measured, a delivery that begins when training ends is in time."""

import random
from dataclasses import replace

import pytest

from services.trainer.run.deadline import (
    BYTES_PER_S,
    EXPORT_S,
    LATE_S,
    MARGIN,
    RESERVE_FRAC,
    UNMEASURED_S,
    Countdown,
    Deadline,
    Delivery,
    Pace,
    resumed_price_s,
)


def delivery(image_s: float, num_images: int, **changes: float) -> Delivery:
    """Price a network after screening."""
    held_out = round(0.15 * num_images)
    values = {"num_validation": held_out, "num_test": held_out, "size_bytes": 60e6, **changes}
    return Delivery(pace=Pace(build_s=2.0, image_s=image_s), **values)


def test_a_delivery_that_takes_half_as_long_again_as_measured_is_still_in_time() -> None:
    generator = random.Random(1)
    for _ in range(1000):
        deadline = Deadline(
            started=generator.uniform(0, 1e5),
            seconds_left=generator.uniform(0, 7200),
            delivery_s=10 ** generator.uniform(0, 4),
        )
        assert deadline.train_until + MARGIN * deadline.delivery_s <= deadline.deliver_until + 1e-6
        assert deadline.train_until <= deadline.budget_end
        assert deadline.deliver_until == pytest.approx(deadline.budget_end + LATE_S)


@pytest.mark.parametrize(
    ("image_s", "num_images"),
    [
        pytest.param(0.233, 2_150, id="vgg16"),
        pytest.param(0.109, 4_600, id="resnet50"),
        pytest.param(0.0294, 17_000, id="mobilenet_v2"),
    ],
)
@pytest.mark.parametrize("times", [1, 3])
def test_networks_and_data_sets_that_once_ended_with_nothing_are_delivered(
    image_s: float, num_images: int, times: int
) -> None:
    left = delivery(image_s, times * num_images)
    deadline = Deadline(started=0.0, seconds_left=3600.0, delivery_s=left.price_s)
    two_passes_s = image_s * 0.3 * times * num_images
    assert two_passes_s >= times * 149  # 30 s of reserve and 120 s of grace were not enough
    assert 0 < deadline.train_until < deadline.deliver_until - left.price_s
    assert deadline.kill_at(deadline.train_until) > deadline.train_until + 2 * left.price_s


@pytest.mark.parametrize(("spent_s", "left_s"), [(0.0, 300.0), (120.0, 180.0), (300.0, 0.0), (900.0, 0.0)])
def test_what_earlier_attempts_spent_is_not_given_again(spent_s: float, left_s: float) -> None:
    deadline = Deadline.of_budget(5.0, spent_s=spent_s, started=1000.0)
    assert (deadline.seconds_left, deadline.budget_end) == (left_s, 1000.0 + left_s)


def test_an_ordinary_delivery_ends_within_the_budget() -> None:
    deadline = Deadline(started=100.0, seconds_left=600.0, delivery_s=25.0)
    assert deadline.train_until + deadline.delivery_s == deadline.budget_end == 700.0


def test_a_short_budget_is_not_eaten_up_by_the_reserve() -> None:
    deadline = Deadline(started=0.0, seconds_left=20.0, delivery_s=12.0)
    assert deadline.train_until == (1 - RESERVE_FRAC) * 20.0


def test_every_part_of_the_work_left_has_its_price() -> None:
    least = delivery(0.01, 1000)
    assert delivery(0.02, 1000).price_s > least.price_s
    assert delivery(0.01, 2000).price_s > least.price_s
    assert delivery(0.01, 1000, size_bytes=600e6).price_s > least.price_s
    assert delivery(0.01, 1000, decode_s=30.0).price_s == pytest.approx(least.price_s + 30.0)
    assert delivery(0.01, 1000, is_built=False).price_s == pytest.approx(least.price_s + 2.0)
    assert delivery(0.01, 1000, keeps_activations=False).price_s > least.price_s
    assert delivery(0.01, 1000, num_formats=0).price_s < delivery(0.01, 1000, num_formats=1).price_s < least.price_s
    mixed = replace(least, pace=replace(least.pace, exact_factor=4.0))
    assert mixed.price_s > least.price_s + 2.0  # another pass is compiled, and goes slower
    assert resumed_price_s(2_000_000_000, 1000) > resumed_price_s(1_000_000, 1000) > UNMEASURED_S


def test_the_price_of_a_delivery_is_that_of_its_passes_its_files_and_their_checks() -> None:
    left = Delivery(pace=Pace(build_s=2.0, image_s=0.01), num_validation=1000, num_test=2000, size_bytes=50e6)
    passes_s, opened_s, scored_s, written_s = 0.01 * (2000 + 0.4 * 1000), 3 * 2.0 + 0.01 * 2 * 16, 0.01 * 1000, 50 / 25
    base_s = passes_s + 6.0 + opened_s + scored_s + written_s
    assert replace(left, num_formats=0).price_s == pytest.approx(base_s)
    assert replace(left, num_formats=1).price_s == pytest.approx(base_s + 1.0 + 50 / 50 + scored_s)


@pytest.mark.parametrize(
    ("build_s", "image_s", "size_bytes", "took_s"),
    [
        pytest.param(1.26, 0.0018, 3.3e6, 0.06 + 2.57 + 2.22, id="tiny"),
        pytest.param(2.34, 0.0126, 9.0e6, 0.41 + 6.21 + 3.99, id="mobilenet_v2"),
        pytest.param(3.35, 0.07, 94.4e6, 2.35 + 10.38 + 14.96, id="resnet50"),
        pytest.param(0.73, 0.21, 58.9e6, 6.76 + 8.08 + 32.71, id="vgg16"),
    ],
)
def test_a_network_keeps_no_more_of_a_budget_than_its_delivery_takes_with_a_margin(
    build_s: float, image_s: float, size_bytes: float, took_s: float
) -> None:
    """Evaluated, verified, written in other formats in so many seconds of processors: ``benchmarks/delivery_price``."""
    left = Delivery(pace=Pace(build_s=build_s, image_s=image_s), num_validation=0, num_test=32, size_bytes=size_bytes)
    price_s = left.price_s - EXPORT_S - size_bytes / BYTES_PER_S
    assert took_s <= price_s <= 2 * took_s


def test_of_a_budget_of_a_minute_three_quarters_are_for_training_a_small_network() -> None:
    left = Delivery(pace=Pace(build_s=1.26, image_s=0.0018), num_validation=9, num_test=9, size_bytes=3.3e6)
    assert left.price_s <= 15.0


def test_a_format_of_a_large_network_takes_longer_to_write_and_to_try() -> None:
    large, small = ({"num_validation": 0, "num_test": 1, "size_bytes": size} for size in (100e6, 1e6))
    price_s = [
        [delivery(0.001, 0, **network, num_formats=number).price_s for number in (0, 3)] for network in (large, small)
    ]
    of_large, of_small = (all_s - none_s for none_s, all_s in price_s)
    assert of_large > 2 * of_small


def test_a_costlier_network_is_expected_to_take_longer() -> None:
    measured = Pace(build_s=1.0, image_s=0.01)
    expected = measured.scaled(32.0, measured_gflops=2.0)
    assert (expected.build_s, expected.image_s) == (4.0, 0.16)


def test_a_lighter_network_is_built_no_faster_for_that() -> None:
    expected = Pace(build_s=1.0, image_s=0.01).scaled(1.0, measured_gflops=4.0)
    assert (expected.build_s, expected.image_s) == (1.0, 0.0025)


def test_delivering_what_is_not_measured_is_priced_by_the_archive_that_has_to_be_fetched_and_decoded() -> None:
    assert resumed_price_s(2_000_000_000, 1000) == pytest.approx(UNMEASURED_S + 100.0 + 15.0)


@pytest.mark.parametrize(
    ("now", "is_hurried", "seconds"),
    [
        pytest.param(100.0, False, 60.0, id="long before the end a minute"),
        pytest.param(100.0, True, 10.0, id="where somebody waits ten seconds"),
        pytest.param(600.0, False, 30.0, id="at the end of the budget half of what is left"),
        pytest.param(645.0, True, 7.5, id="likewise where somebody waits"),
        pytest.param(659.0, False, 0.5, id="the last second"),
        pytest.param(661.0, False, 0.0, id="too late"),
    ],
)
def test_other_formats_make_no_delivery_late_and_nobody_wait(now: float, is_hurried: bool, seconds: float) -> None:
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=600.0), monotonic=lambda: now)
    assert countdown.formats_s(is_hurried=is_hurried) == seconds


def test_the_price_is_told_when_it_changes_by_more_than_a_little() -> None:
    told: list[float] = []
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=60.0), monotonic=lambda: 0.0, tell=told.append)
    for price_s in (10.0, 10.5, 11.5, 11.0, 5.0):
        countdown.reprice(price_s)
        assert countdown.deadline.delivery_s == price_s
    assert told == [10.0, 11.5, 5.0]


def test_what_is_left_for_training_depends_on_what_is_to_be_delivered() -> None:
    now = [0.0]
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=600.0, delivery_s=10.0), monotonic=lambda: now[0])
    assert countdown.seconds_left() == 590.0
    assert countdown.seconds_left(100.0) == 500.0
    assert not countdown.is_over
    now[0] = 595.0
    assert countdown.seconds_left() == -5.0


def test_training_that_is_over_does_not_begin_again_where_delivering_turns_out_cheaper() -> None:
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=600.0, delivery_s=150.0), monotonic=lambda: 500.0)
    assert countdown.is_over
    countdown.reprice(10.0)
    assert countdown.seconds_left() == 90.0
    assert countdown.is_over


def test_before_anything_is_measured_a_process_has_two_minutes_to_stop() -> None:
    deadline = Deadline(started=0.0, seconds_left=600.0)
    assert deadline.kill_at(100.0) == 100.0 + LATE_S + 3 * UNMEASURED_S


@pytest.mark.parametrize(
    ("now", "is_hurried", "expected_s"),
    [(0.0, False, 45.0), (0.0, True, 10.0), (620.0, False, 20.0), (700.0, True, 0.0)],
)
def test_scoring_photographs_as_uploaded_takes_no_more_than_there_is_time_for(
    now: float, is_hurried: bool, expected_s: float
) -> None:
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=600.0), monotonic=lambda: now)
    assert countdown.scoring_s(is_hurried=is_hurried) == expected_s
