"""The message of a job whose worker or reporter was killed: how soon somebody else gets it, whatever went before."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from services.trainer.protocol import Order
from services.trainer.worker.job_lease import claim_job, message_lease
from services.trainer.worker.worker import Worker
from shared.errors import Conflict, Transient
from shared.job.claim import Claim, take
from shared.job.events import Event, Topic, job_queued
from shared.job.job import JobState
from shared.messaging.consumer import consume_once
from shared.ports.event_bus import LONGEST_LEASE, SHORTEST_LEASE, Delivery, DeliveryRules
from tests.bus_fixture import Ground
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.job_fixture import NOW, HandClock
from tests.scripted_training import FINISHED_CANDIDATE, Script, Work, succeed
from tests.worker_fixture import JOB_ID, House

LEASE = timedelta(seconds=30)
POLL_S = 0.25
PATIENCE_S = 60.0
NUM_KILLED = 9
"""After so many failed deliveries every bus waits for as long as it ever does."""


class Killed(BaseException):
    """The worker is no more, and could do nothing about it."""


def be_killed(_: Order) -> Script:
    """Tell something, which renews the claim and not the message, and take the worker along."""
    yield Work(4.0)
    yield FINISHED_CANDIDATE
    yield Work(2.0)
    raise Killed


def house_with(rules: DeliveryRules) -> House:
    house = House()
    house.bus = MemoryEventBus(rules=rules, clock=house.clock)
    house.bus.publish(house.event)
    return house


def seconds_until_taken(house: House, worker: Worker) -> float:
    """Let a worker ask again and again, as idle ones do, until it gets the job; return how long that took."""
    began, claim = house.clock(), house.job.claim
    while house.job.claim == claim:
        house.hands.advance(POLL_S)
        worker.work_once()
    return (house.clock() - began).total_seconds()


@pytest.mark.parametrize(
    "rules",
    [DeliveryRules(), DeliveryRules(min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=600))],
    ids=["short", "long"],
)
def test_a_job_whose_workers_are_killed_one_after_the_other_goes_on_within_moments_of_each_claim(rules) -> None:
    house = house_with(rules)
    for number in range(NUM_KILLED):
        worker = house.worker(be_killed, max_attempts=99, lease=LEASE)
        worker.owner = f"worker-{number}"
        with pytest.raises(Killed):
            seconds_until_taken(house, worker)
        held_until = house.job.claim.expires_at
    waited_s = seconds_until_taken(house, house.worker("succeed", max_attempts=99, lease=LEASE))
    assert (house.job.state, house.job.attempts) == (JobState.REPORTING, NUM_KILLED + 1)
    late = house.clock() - held_until
    assert late <= LEASE / 3, f"waited for {waited_s} s"
    assert (house.clock() - NOW) / (NUM_KILLED + 1) < 2 * LEASE


def refused_often(house: House) -> Event:
    """Deliver the message as often as lost workers would, and have it wait each time, for as long as it ever does."""
    for _ in range(NUM_KILLED):
        [delivery] = house.bus.pull(Topic.JOBS, lease=LEASE)
        house.bus.nack(delivery)
        house.hands.advance(60)
    return house.event


def test_a_message_that_comes_while_a_claim_holds_comes_again_when_that_ends() -> None:
    house = house_with(DeliveryRules())
    event = refused_often(house)
    claimed = claim_job(house.store, house.heartbeats, event, owner="dead", lease=LEASE, clock=house.clock)
    waiting = house.worker("succeed", lease=LEASE)
    assert waiting.work_once(), "it comes, and is refused"
    house.hands.advance(LEASE.total_seconds() - 0.001)
    assert not waiting.work_once(), "nobody is asked before somebody can take it"
    assert house.job.claim == claimed.claim
    house.hands.advance(0.001)
    assert waiting.work_once()
    assert house.job.state is JobState.REPORTING


def test_a_message_waits_for_the_end_that_heartbeats_gave_a_claim() -> None:
    house = house_with(DeliveryRules())
    claimed = claim_job(
        house.store, house.heartbeats, refused_often(house), owner="dead", lease=LEASE, clock=house.clock
    )
    house.hands.advance(20)
    claimed.beat()
    waiting = house.worker("succeed", lease=LEASE)
    assert waiting.work_once()
    house.hands.advance(LEASE.total_seconds())
    assert waiting.work_once()
    assert house.job.state is JobState.REPORTING


def test_a_job_that_is_given_back_by_a_worker_that_leaves_goes_on_at_once_however_often_that_happens() -> None:
    house = house_with(DeliveryRules())
    refused_often(house)
    worker = house.worker("finish_when_told", lease=LEASE, meanwhile=lambda: worker.shutdown.set())  # noqa: PLW0108 - it is not there yet
    worker.run()
    assert (house.job.state, house.job.attempts) == (JobState.TRAINING, 0)
    house.hands.advance(SHORTEST_LEASE.total_seconds())
    assert house.worker("succeed", lease=LEASE).work_once()
    assert house.job.state is JobState.REPORTING


@pytest.mark.parametrize("lease_s", [1, 3, 15, 30, 450, 500, 600])
def test_a_message_outlasts_the_claim_by_as_much_as_it_may_have_been_renewed_earlier(lease_s: float) -> None:
    lease = timedelta(seconds=lease_s)
    assert lease <= message_lease(lease) <= LONGEST_LEASE, "which every bus can hold"
    assert message_lease(lease) == min(lease + lease / 3, LONGEST_LEASE)


def test_a_worker_holds_the_message_for_longer_than_its_claim_from_the_first_moment_on() -> None:
    house = House()
    with pytest.raises(Killed):
        house.worker(be_killed, lease=LEASE).work_once()
    [message] = house.bus._messages
    assert message.due_at >= house.job.claim.expires_at


class TellingBus(MemoryEventBus):
    """Tells for how long a message is held, whenever that is asked."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock=clock)
        self.held_for: list[timedelta] = []
        self.is_asked = threading.Event()

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        super().extend(delivery, lease=lease)
        self.held_for.append(lease)
        self.is_asked.set()


def test_a_worker_at_work_holds_the_message_for_longer_than_its_claim_whenever_it_renews_both() -> None:
    house = House()
    house.bus = bus = TellingBus(house.clock)
    bus.publish(house.event)

    def work(order: Order) -> Script:
        yield Work(LEASE.total_seconds() / 3 + 1)
        assert bus.is_asked.wait(PATIENCE_S), "in a thread of its own"
        yield from succeed(order)

    house.worker(work, lease=LEASE).work_once()
    assert house.job.state is JobState.REPORTING
    assert set(bus.held_for) == {message_lease(LEASE)}


def claimed_by_another(clock: Callable[[], datetime]) -> Callable[[Event], None]:
    """Return a handler that a claim of another is in the way of for half a minute."""
    claim = Claim(owner="another", fence=1, expires_at=clock() + LEASE)

    def handle(_: Event) -> None:
        take(claim, owner="me", now=clock(), lease=LEASE)

    return handle


def test_a_report_whose_reporter_was_killed_is_written_when_its_claim_ends() -> None:
    ground = Ground(clock=HandClock())
    ground.bus.publish(job_queued(JOB_ID, NOW))
    [delivery] = ground.bus.pull(Topic.JOBS, lease=LEASE)
    ground.bus.nack(delivery)
    ground.clock.advance(60)
    handle = claimed_by_another(ground.clock)
    assert consume_once(ground.bus, Topic.JOBS, handle)
    ground.clock.advance(LEASE.total_seconds() - 0.001)
    assert not consume_once(ground.bus, Topic.JOBS, handle)
    ground.clock.advance(0.001)
    assert consume_once(ground.bus, Topic.JOBS, handle)
    assert ground.bus.pull(Topic.JOBS, lease=LEASE) == [], "it was handled"
    assert ground.bus.dead_letters(Topic.JOBS) == []


@pytest.mark.parametrize("error", [Conflict("written since"), Transient("away")])
def test_what_another_reason_is_in_the_way_of_still_backs_off(error: Exception) -> None:
    ground = Ground(clock=HandClock())
    ground.bus.publish(job_queued(JOB_ID, NOW))

    def refuse(_: Event) -> None:
        raise error

    assert consume_once(ground.bus, Topic.JOBS, refuse)
    ground.clock.advance(9.999)
    assert not consume_once(ground.bus, Topic.JOBS, refuse)
    ground.clock.advance(0.001)
    assert consume_once(ground.bus, Topic.JOBS, refuse)
