"""From where on a network may be fine-tuned, and when that is carried on and kept."""

import math

import numpy as np
import pytest

from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.deadline import Pace
from services.trainer.tuning.unfreezing.depth import (
    activation_bytes,
    depths_of,
    gain_of,
    least_attempt_s,
    least_whole_s,
    num_levels_after,
    rate_factors,
    step_bytes,
    whole_may_take_s,
)
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.combination.row import combined_row

NUM_IMAGES = 200


def answers(right: int, sureness: float = 2.0) -> OutOfFold:
    """Two classes; the first so many of the images are taken for what they are."""
    labels = np.arange(NUM_IMAGES) % 2
    taken = np.where(np.arange(NUM_IMAGES) < right, labels, 1 - labels)
    logits = sureness * np.eye(2, dtype=np.float32)[taken]
    return OutOfFold(rows=np.arange(NUM_IMAGES), labels=labels, logits=logits, num_independent=float(NUM_IMAGES))


@pytest.mark.parametrize("row", BACKBONES.values(), ids=lambda row: row.name)
def test_of_every_network_the_last_stage_the_last_third_and_all_of_it_may_learn(row):
    *depths, whole = depths_of(row)
    assert [depth.num_stages for depth in depths] == sorted({1, max(2, round(len(row.levels) / 3))})
    assert whole.is_whole
    assert num_levels_after(row, whole.cut_after, len(row.levels)) == len(row.levels)
    for depth in depths:
        assert not depth.is_whole
        assert num_levels_after(row, depth.cut_after, len(row.levels)) == depth.num_stages
        assert row.level_names[-1 - depth.num_stages] == depth.cut_after
        assert depth.num_stages < len(row.levels)


def test_networks_side_by_side_are_not_cut():
    assert depths_of(combined_row([BACKBONES["mobilenet"], BACKBONES["mobilenet_v2"]])) == ()


def test_a_first_attempt_sends_every_view_of_every_image_through_a_network_that_is_built_anew():
    assert least_attempt_s(Pace(build_s=3.0, image_s=0.01), 500, 2) == pytest.approx(13.0)


def test_learning_with_all_of_a_network_is_known_to_take_seconds_on_a_gpu_and_minutes_on_a_cpu():
    gpu, cpu = (least_whole_s(Pace(build_s=2.0, image_s=image_s), 500, 2, 2) for image_s in (0.0003, 0.01))
    assert (gpu, cpu) == pytest.approx((3.8, 62.0))


def test_what_lesser_depths_took_is_no_longer_there_for_all_of_a_network():
    assert whole_may_take_s(most_s=100.0, attempt_s=20.0, spent_s=15.0, has_gained=False) == 5.0
    assert whole_may_take_s(most_s=10.0, attempt_s=20.0, spent_s=4.0, has_gained=False) == 6.0


def test_once_something_was_gained_all_of_a_network_may_take_five_times_an_attempt_but_no_more_than_is_left():
    assert whole_may_take_s(most_s=300.0, attempt_s=20.0, spent_s=50.0, has_gained=True) == 100.0
    assert whole_may_take_s(most_s=100.0, attempt_s=20.0, spent_s=50.0, has_gained=True) == 50.0


def test_a_network_that_reads_clearly_more_is_kept():
    gain = gain_of(answers(190), answers(160))
    assert gain.is_promising
    assert gain.is_kept
    spread = math.sqrt(0.15 * 0.85 / NUM_IMAGES)
    assert (gain.accuracy, gain.accuracy_error) == pytest.approx((0.15, spread))
    assert (gain.log_loss, gain.log_loss_error) == pytest.approx((2 * 0.15, 2 * spread), rel=1e-6)


def test_a_gain_that_may_be_luck_is_carried_on_but_not_kept():
    gain = gain_of(answers(161), answers(160))
    assert gain.is_promising
    assert not gain.is_kept


@pytest.mark.parametrize("tuned", [answers(150), answers(160, sureness=9.0), answers(158, sureness=1.5)])
def test_what_reads_fewer_or_is_too_sure_of_its_mistakes_is_never_kept(tuned):
    assert not gain_of(tuned, answers(160)).is_kept


def test_what_lies_deeper_learns_more_slowly():
    factors = rate_factors(5)
    assert factors == sorted(factors)
    assert (len(factors), factors[0], factors[-1]) == pytest.approx((5, 0.3, 1.0))
    assert rate_factors(2) == pytest.approx([0.3, 1.0])
    assert rate_factors(1) == [1.0]
    assert rate_factors(0) == []


def test_memory_is_known_before_it_is_taken():
    assert activation_bytes((14, 14, 96), 1000, 2) == 14 * 14 * 96 * 2 * 1000 * 2
    assert step_bytes([(112, 112, 32), (1280,)], 32) == (112 * 112 * 32 + 1280) * 32 * 4
