"""Whether a head is fitted to its end is decided by how long that takes here, not by how many photographs there are."""

from itertools import count

import pytest

from services.trainer.fitting.speed import FIT_FRAC, MOST_FIT_S, Size, SolveSpeed, can_be_solved, measure_speed

USUAL = SolveSpeed(product_s=1.5e-11, components_s=3e-10, step_s=2e-10)
AMPLE_S = 3600.0


def sizes(num_images, *, num_classes=10):
    """MobileNetV2's features, and all its levels."""
    return [Size(num_images=num_images, width=width, num_classes=num_classes) for width in (1280, 4128)]


def slower(times):
    return lambda _num_classes: SolveSpeed(
        product_s=times * USUAL.product_s, components_s=times * USUAL.components_s, step_s=times * USUAL.step_s
    )


def never_asked(_num_classes):
    raise AssertionError("measured a machine for a fit of a second")


def test_a_few_hundred_photographs_are_fitted_to_their_end_on_any_machine_unmeasured():
    assert can_be_solved(sizes(600), budget_s=60, speed=never_asked)


def test_some_thousands_are_where_the_machine_is_fast_and_learn_by_epochs_where_it_is_slow():
    assert can_be_solved(sizes(2125), budget_s=AMPLE_S, speed=slower(1))
    assert not can_be_solved(sizes(2125), budget_s=AMPLE_S, speed=slower(4))


def test_tens_of_thousands_learn_by_epochs_also_on_a_machine_of_twice_the_speed():
    assert not can_be_solved(sizes(20_000), budget_s=AMPLE_S, speed=slower(0.5))


def test_a_short_budget_is_not_spent_on_one_head():
    needed_s = USUAL.fit_s(sizes(2125))
    assert needed_s < MOST_FIT_S
    assert not can_be_solved(sizes(2125), budget_s=0.9 * needed_s / FIT_FRAC, speed=slower(1))
    assert can_be_solved(sizes(2125), budget_s=1.1 * needed_s / FIT_FRAC, speed=slower(1))


def test_seconds_are_those_of_products_components_and_steps():
    speed = SolveSpeed(product_s=1e-9, components_s=1e-8, step_s=0.0)
    assert speed.fit_s([Size(num_images=100, width=50, num_classes=3)]) == pytest.approx(
        1e-9 * 100 * 50 * (50 + 50) + 1e-8 * 50**3
    )
    steps_alone = SolveSpeed(product_s=0.0, components_s=0.0, step_s=1e-9)
    one, twice = (steps_alone.fit_s(sizes(n)) for n in (3000, 6000))
    assert twice == pytest.approx(2 * one)


def test_a_machine_is_measured_by_its_processor_and_not_by_who_else_is_at_work():
    ticks = count()
    speed = measure_speed(3, processor_time=lambda: 0.01 * next(ticks))  # each sum takes a hundredth of a second
    assert speed.product_s == pytest.approx(0.01 / 384**3)
    assert speed.components_s == pytest.approx(0.01 / 384**3)
    assert speed.step_s == pytest.approx(0.01 / (1024 * 384 * 3))
