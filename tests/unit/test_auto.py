"""What ``auto`` compares: the networks of the highest expected gain per second that fit the machine."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from services.trainer.zoo.catalogue import BACKBONES, Backbone
from services.trainer.zoo.sources.auto import LEAST_GAIN, Means, choose, expected_gain
from services.trainer.zoo.sources.weights import resolve
from shared.errors import UserFault


@dataclass(frozen=True, kw_only=True)
class Network:
    """A row as far as the choice looks at it."""

    name: str
    imagenet_top1: float | None
    cost_s: float = 1.0


def means(seconds: float = 1e9, **others) -> Means[Network]:
    return Means(seconds=seconds, cost_s=lambda row: row.cost_s, **others)


WEAK = Network(name="weak", imagenet_top1=0.5)
FAIR = Network(name="fair", imagenet_top1=0.70, cost_s=4.0)
GOOD = Network(name="good", imagenet_top1=0.75, cost_s=20.0)
DEAR = Network(name="dear", imagenet_top1=0.76, cost_s=2000.0)


def test_a_network_is_expected_to_add_what_it_exceeds_the_best_by_and_something_for_luck() -> None:
    assert expected_gain(0.7, None) == 0.7
    assert expected_gain(0.9, 0.5) == pytest.approx(0.4, abs=1e-6)
    assert expected_gain(0.7, 0.7) == pytest.approx(0.04 * 2**0.5 / (2 * 3.141592653589793) ** 0.5)
    assert 0 < expected_gain(0.6, 0.7) < LEAST_GAIN


def test_the_most_gain_per_second_comes_first_whatever_the_order_of_the_list() -> None:
    for rows in ([WEAK, FAIR, GOOD, DEAR], [DEAR, GOOD, FAIR, WEAK]):
        assert choose(rows, means()).taken == ("weak", "fair", "good", "dear")


def test_what_adds_next_to_nothing_to_the_best_is_left_with_the_reason() -> None:
    twin = Network(name="twin", imagenet_top1=0.6, cost_s=100.0)
    ((name, reason),) = choose([WEAK, FAIR, twin], means()).left
    assert name == "twin"
    assert "name it among the candidates" in reason


def test_what_no_longer_fits_the_time_is_left_and_cheaper_ones_still_come() -> None:
    choice = choose([WEAK, FAIR, GOOD, DEAR], means(seconds=26.0))
    assert choice.taken == ("weak", "fair", "good")
    assert dict(choice.left)["dear"].startswith("would take longer than comparing has left")


def test_with_no_time_at_all_one_network_is_compared_nevertheless() -> None:
    assert choose([DEAR], means(seconds=0.0)).taken == ("dear",)


def test_what_a_person_named_is_compared_whatever_it_adds_and_costs() -> None:
    assert choose([GOOD, WEAK, DEAR], means(seconds=5.0), named=["weak", "dear", "auto"]).taken == ("weak", "dear")


def test_what_does_not_fit_the_machine_is_left_and_the_next_best_takes_its_place() -> None:
    choice = choose([WEAK, GOOD], means(objection=lambda row, _: "no memory" if row is WEAK else None))
    assert choice.taken == ("good",)
    assert choice.left == (("weak", "no memory"),)


def test_a_network_that_fits_the_disk_alone_is_left_where_the_others_take_its_room() -> None:
    def objection(row: Network, others: Sequence[Network]) -> str | None:
        return "no disk" if len(others) == 2 else None

    choice = choose([WEAK, FAIR, GOOD], means(objection=objection))
    assert choice.taken == ("weak", "fair")
    assert choice.left == (("good", "no disk"),)


def test_a_network_that_takes_just_the_time_that_is_left_is_compared() -> None:
    assert choose([WEAK, FAIR, GOOD], means(seconds=25.0)).taken == ("weak", "fair", "good")


def test_weights_of_networks_that_are_not_worth_it_are_asked_for_nowhere() -> None:
    asked = []

    def objection(row: Backbone, _others: object) -> str:
        asked.append(row.name)
        return "not here"

    few: Means[Backbone] = Means(seconds=0.0, cost_s=lambda row: 1 + row.gflops, objection=objection)
    resolve(["auto"], mirror=None, allow_download=False, means=few)
    assert set(asked) == {*BACKBONES} - {"tiny"}, "as long as there is none, all are"
    asked.clear()
    with pytest.raises(UserFault):
        resolve(["auto", "tiny"], mirror=None, allow_download=False, means=few)
    assert "tiny" in asked


def test_a_mirror_of_the_whole_family_is_compared_without_the_dearest_and_the_weakest() -> None:
    rows = [row for row in BACKBONES.values() if row.imagenet_top1]
    chosen = choose(rows, Means(seconds=600.0, cost_s=lambda row: 2 + 6 * row.gflops)).taken
    assert 5 <= len(chosen) <= 25
    assert "efficientnet_v2_l" not in chosen
    assert "vgg19" not in chosen
