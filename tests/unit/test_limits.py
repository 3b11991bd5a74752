"""What is too large or too slow for a person takes no part."""

from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.combination.limits import Limits
from services.trainer.zoo.combination.row import combined_row
from shared.job.options import JobOptions

SMALL, LARGE = BACKBONES["mobilenet_0.25"], BACKBONES["mobilenet_v2"]


def test_two_that_are_small_enough_alone_may_be_too_large_together():
    limits = Limits(max_parameters=LARGE.parameters)
    assert limits.objection_to_size(SMALL) is None
    assert limits.objection_to_size(LARGE) is None
    assert "max_parameters is 2,257,984" in limits.objection_to_size(combined_row([SMALL, LARGE]))


def test_a_network_that_is_quick_enough_may_be_too_slow_with_mirror_images():
    limits = Limits(max_ms_per_image=5)
    assert limits.objection_to_speed(0.004) is None
    assert "8.0 ms" in limits.objection_to_speed(0.004, views=2)


def test_without_a_wish_nothing_is_too_large_or_too_slow():
    limits = Limits.of(JobOptions())
    assert limits.objection_to_size(BACKBONES["convnext_xlarge"]) is None
    assert limits.objection_to_speed(1e3, views=2) is None


def test_what_the_options_ask_for_is_asked_of_each_network():
    options = JobOptions(max_backbones=3, max_parameters=1_000_000, max_ms_per_image=5.0)
    assert Limits.of(options) == Limits(most_backbones=3, max_parameters=1_000_000, max_ms_per_image=5.0)
    assert Limits.of(options).objection_to_speed(0.005) is None, "as slow as it may be"
    assert "5.1 ms" in Limits.of(options).objection_to_speed(0.0051)
