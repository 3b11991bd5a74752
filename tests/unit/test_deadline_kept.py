"""Whatever happens once a candidate is finished, the job ends with a delivered network in time: shown with a clock.

The worker, its supervision, the deadline and the prices are the real ones; what they watch is a training that works
through its phases in made-up time, at speeds that are drawn, measures them with errors, dies and hangs.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from services.trainer.protocol import Message, MessageKind, Order, StopReason, candidate_trial
from services.trainer.run.deadline import LATE_S, Countdown, Deadline, Delivery, Pace
from shared.job.job import Job, JobState, Trial, TrialState
from tests.job_fixture import NOW
from tests.scripted_training import ARTEFACTS, Exit, Look, Script, Wait, Work
from tests.worker_fixture import House

BATCHES = 20
SETTLED = (JobState.REPORTING, JobState.CANCELLED, JobState.FAILED)


@dataclass
class World:
    """A job, a machine and the accidents that wait for it; all drawn from one seed."""

    seed: int
    ledger: list[str] = field(default_factory=list)
    decoded: bool = False
    accidents: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        dice = self.dice
        self.num_images = round(10 ** dice.uniform(2.3, 4.3))
        self.decode_s = 10 ** dice.uniform(-2.5, -1.5)
        costs = sorted(10 ** dice.uniform(-3, -0.6) for _ in range(dice.randint(1, 4)))
        self.paces = {f"net{number}": Pace(build_s=1 + 20 * cost, image_s=cost) for number, cost in enumerate(costs)}
        whole_s = self.num_images * (self.decode_s + sum(costs)) + 30
        self.budget_s = whole_s * dice.uniform(0.1, 1.5)
        self.cancel_at = dice.uniform(0, self.budget_s) if dice.random() < 0.3 else None

    def load(self) -> float:
        """How much longer something takes than was measured, because the machine does something else too."""
        return self.dice.uniform(0.8, 1.3)

    def price(self, name: str, *, decode_s: float, is_built: bool) -> float:
        """Return what delivering costs, by a measurement that is a little wrong."""
        pace, held_out = self.paces[name], round(0.15 * self.num_images)
        wrong = self.dice.uniform(0.9, 1.1)
        return Delivery(
            pace=Pace(build_s=wrong * pace.build_s, image_s=wrong * pace.image_s),
            num_validation=held_out,
            num_test=held_out,
            size_bytes=60e6,
            decode_s=decode_s,
            is_built=is_built,
            keeps_activations=is_built,
        ).price_s


class Simulated:
    """One attempt of a training."""

    def __init__(self, world: World, house: House, order: Order) -> None:
        self.world, self.order = world, order
        self.told: StopReason | None = None
        self.prices: list[float] = []
        self.countdown = Countdown(
            deadline=Deadline(started=house.monotonic(), seconds_left=order.seconds_left),
            monotonic=house.monotonic,
            tell=self.prices.append,
        )
        self.dies_at = world.accidents.get(order.fence)
        self.began = house.clock()
        self.clock = house.clock

    def reason(self) -> StopReason | None:
        if self.order.only_delivers:
            return StopReason.LOST
        return self.told or (StopReason.BUDGET if self.countdown.is_over else None)

    def work(self, seconds: float) -> Script:
        """Be busy, then tell prices, hear stops, and meet with accidents."""
        yield Work(seconds * self.world.load())
        if self.dies_at is not None and self.clock() >= self.began + timedelta(seconds=self.dies_at):
            yield Exit(-9) if self.world.dice.random() < 0.7 else Wait.FOR_EVER
        while self.prices:
            yield Message(kind=MessageKind.PRICE, delivery_s=self.prices.pop(0))
        self.told = (yield Look.FOR_STOP) or self.told

    def run(self) -> Script:
        world = self.world
        yield from self.prepare()
        if not world.decoded and not world.ledger:
            yield Message(kind=MessageKind.STOPPED, reason=self.reason())
            return
        if world.decoded:
            yield from self.screen()
        if not world.ledger:
            yield Message(kind=MessageKind.STOPPED, reason=self.reason())
            return
        for _ in range(world.dice.randint(0, 2000)):  # fine-tuning
            if self.reason() is not None or not world.decoded:
                break
            yield from self.work(world.num_images * world.paces[world.ledger[-1]].image_s * 0.02)
        stopped_because = self.reason()
        yield from self.deliver()
        cancelled = self.told if self.told is StopReason.CANCELLED else None
        yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=cancelled or stopped_because)

    def prepare(self) -> Script:
        world = self.world
        self.needs_decoding = not world.decoded
        if world.ledger:
            held_out_s = 0.3 * world.num_images * world.decode_s if self.needs_decoding else 0.0
            self.countdown.reprice(world.price(world.ledger[-1], decode_s=held_out_s, is_built=False))
        if world.decoded:
            return
        for _ in range(BATCHES):
            if self.reason() is not None:
                return
            yield from self.work(world.num_images * world.decode_s / BATCHES)
        world.decoded = True

    def screen(self) -> Script:
        world = self.world
        for name, pace in world.paces.items():
            if name in world.ledger:
                continue
            yield from self.work(pace.build_s)
            for _ in range(BATCHES):
                price_s = world.price(name, decode_s=0.0, is_built=True)
                if not world.ledger:
                    self.countdown.reprice(price_s)
                if self.reason() is not None or self.countdown.seconds_left(price_s) <= 0:
                    break
                yield from self.work(0.85 * world.num_images * pace.image_s / BATCHES)
            else:
                world.ledger.append(name)
                self.countdown.reprice(world.price(name, decode_s=0.0, is_built=True))
                yield Message(kind=MessageKind.TRIAL, trial=Trial(name=candidate_trial(name), state=TrialState.DONE))

    def deliver(self) -> Script:
        left_s = self.countdown.deadline.delivery_s
        for _ in range(10):
            yield from self.work(left_s / 10)


def live(world: World, house: House) -> Iterator[Job]:
    """Let one worker after the other have its turn, until the job has ended."""

    def simulate(order: Order) -> Script:
        return Simulated(world, house, order).run()

    worker = house.worker(simulate)
    while house.job.state not in SETTLED:
        worker.work_once()
        yield house.job


@pytest.fixture
def house_of() -> Callable[[World], House]:
    def build(world: World) -> House:
        house = House(budget_minutes=world.budget_s / 60)
        advance = house.hands.advance

        def advance_and_cancel(seconds: float) -> None:
            advance(seconds)
            due = world.cancel_at is not None and house.clock() >= NOW + timedelta(seconds=world.cancel_at)
            if due and house.job.cancel_requested_at is None and house.job.state not in SETTLED:
                house.cancel()

        house.hands.advance = advance_and_cancel
        return house

    return build


@pytest.mark.parametrize("seed", range(100))
def test_a_finished_candidate_is_delivered_at_most_a_minute_after_the_budget(
    seed: int, house_of: Callable[[World], House]
) -> None:
    world = World(seed)
    house = house_of(world)
    *_, job = live(world, house)
    if not world.ledger:
        assert job.artefacts.model_h5 is None
        return
    assert job.artefacts == ARTEFACTS
    assert job.state is JobState.REPORTING or job.cancel_requested_at is not None
    assert house.clock() <= NOW + timedelta(seconds=world.budget_s + LATE_S)


@pytest.mark.parametrize("seed", range(100))
def test_a_finished_candidate_is_delivered_whoever_dies_or_hangs_on_the_way(
    seed: int, house_of: Callable[[World], House]
) -> None:
    """Three attempts may be lost at any moment; the one after them only delivers."""
    world = World(seed)
    world.accidents = {fence: world.dice.uniform(0, world.budget_s) for fence in range(1, world.dice.randint(2, 4))}
    house = house_of(world)
    *_, job = live(world, house)
    if world.ledger:
        assert job.artefacts == ARTEFACTS, job.fault


def test_the_simulation_meets_every_kind_of_end(house_of: Callable[[World], House]) -> None:
    missing = {(JobState.REPORTING, True), (JobState.CANCELLED, True), (JobState.FAILED, False)}
    for seed in range(100):
        world = World(seed)
        *_, job = live(world, house_of(world))
        missing.discard((job.state, bool(world.ledger)))
        if not missing:
            break
    assert missing == set()
