import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.clock import Clock, utc_now
from shared.errors import Conflict, MalformedEvent, NotFound, Transient, UserFault
from shared.job.events import Event, Topic, job_queued
from shared.messaging.consumer import consume, consume_once
from shared.ports.event_bus import Delivery
from tests.bus_fixture import RULES, Ground
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.job_fixture import NOW
from tests.waiting import PATIENCE_S

LEASE = timedelta(seconds=60)


class Bus(MemoryEventBus):
    """A bus that tells the test what is done to it, and can fail to answer."""

    def __init__(
        self,
        *,
        on_extend: Callable[[], None] = lambda: None,
        silences: list[Exception] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(rules=RULES, clock=clock)
        self._on_extend, self._silences = on_extend, silences or []

    def pull(self, topic: Topic, **choice) -> list[Delivery]:
        if self._silences:
            raise self._silences.pop()
        return super().pull(topic, **choice)

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        super().extend(delivery, lease=lease)
        self._on_extend()


@pytest.fixture
def ground() -> Ground:
    return Ground()


def raising(error: Exception) -> Callable[[Event], None]:
    def handler(event: Event) -> None:
        raise error

    return handler


def comes_again(ground: Ground) -> bool:
    ground.clock.advance(RULES.min_backoff.total_seconds() + 0.001)
    return ground.bus.pull(Topic.JOBS, lease=LEASE) != []


def test_a_handled_event_is_finished(ground: Ground) -> None:
    event = job_queued("job-1", NOW)
    ground.bus.publish(event)
    seen: list[Event] = []
    assert consume_once(ground.bus, Topic.JOBS, seen.append, lease=LEASE)
    assert seen == [event]
    assert not consume_once(ground.bus, Topic.JOBS, seen.append, lease=LEASE)
    assert not comes_again(ground)


@pytest.mark.parametrize(
    ("error", "again", "reason"),
    [
        (NotFound("no job"), False, None),
        (Conflict("written since"), True, None),
        (Transient("store sleeps"), True, None),
        (KeyError("bug"), True, None),
        (UserFault("bad", "Bad.", fix="Mend."), False, "UserFault: Bad."),
        (MalformedEvent("what?"), False, "MalformedEvent: what?"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_error_decides_the_fate_of_the_message(
    ground: Ground, error: Exception, reason: str | None, *, again: bool
) -> None:
    ground.bus.publish(job_queued("job-1", NOW))
    assert consume_once(ground.bus, Topic.JOBS, raising(error), lease=LEASE)
    assert comes_again(ground) is again
    assert [letter.reason for letter in ground.bus.dead_letters(Topic.JOBS)] == [reason] * bool(reason)


def test_a_surprise_leaves_its_traceback_and_ids_in_the_log(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    ground.bus.publish(job_queued("job-1", NOW))
    consume_once(ground.bus, Topic.JOBS, raising(KeyError("bug")), lease=LEASE)
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info[0] is KeyError


def test_a_message_that_nobody_can_read_is_buried_unhandled(ground: Ground) -> None:
    class Garbled(MemoryEventBus):
        def pull(self, topic: Topic, **choice) -> list[Delivery]:
            found = super().pull(topic, **choice)
            return [Delivery(topic=topic, data=b"garbage", receipt=each.receipt, attempt=1) for each in found]

    bus = Garbled(rules=RULES, clock=ground.clock)
    bus.publish(job_queued("job-1", NOW))
    assert consume_once(bus, Topic.JOBS, raising(AssertionError("handled")), lease=LEASE)
    (letter,) = bus.dead_letters(Topic.JOBS)
    assert "garbage" in letter.reason


def test_the_lease_is_kept_up_while_the_handler_works() -> None:
    extended = threading.Event()
    bus = Bus(on_extend=extended.set, clock=lambda: NOW)  # no lease ends because a machine is busy
    bus.publish(job_queued("job-1", NOW))

    def slow(event: Event) -> None:
        assert extended.wait(PATIENCE_S)

    assert consume_once(bus, Topic.JOBS, slow, lease=timedelta(seconds=3))
    assert bus.dead_letters(Topic.JOBS) == []
    assert not consume_once(bus, Topic.JOBS, slow, lease=timedelta(seconds=3))


def test_it_consumes_until_told_to_stop_and_outlives_a_bus_that_fails() -> None:
    bus = Bus(silences=[Transient("asleep"), KeyError("bug"), Transient("asleep")])
    stop = threading.Event()
    seen: list[str] = []

    def handler(event: Event) -> None:
        seen.append(event.job_id)
        if len(seen) == 3:
            stop.set()

    for number in range(4):
        bus.publish(job_queued(f"job-{number}", NOW))
    consume(bus, Topic.JOBS, handler, stop=stop, idle_wait_s=0.001)
    assert seen == ["job-0", "job-1", "job-2"], "the one at hand is finished, the next is not begun"
    assert consume_once(bus, Topic.JOBS, handler)
    assert seen[-1] == "job-3"


class CountingStop(threading.Event):
    """Counts how often somebody waits for it."""

    num_waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.num_waits += 1
        return super().wait(timeout)


def test_nobody_waits_between_two_messages_that_are_both_there() -> None:
    bus, stop = Bus(), CountingStop()
    seen: list[str] = []

    def handler(event: Event) -> None:
        seen.append(event.job_id)
        if len(seen) == 3:
            stop.set()

    for number in range(3):
        bus.publish(job_queued(f"job-{number}", NOW))
    consume(bus, Topic.JOBS, handler, stop=stop, idle_wait_s=0.001)
    assert stop.num_waits == 0


def test_a_bus_that_is_away_is_not_asked_again_without_a_pause() -> None:
    stop = CountingStop()
    bus = Bus(silences=[Transient("asleep"), KeyError("bug")])
    bus.publish(job_queued("job-1", NOW))
    consume(bus, Topic.JOBS, lambda _: stop.set(), stop=stop, idle_wait_s=0.001)
    assert stop.num_waits == 2


def test_a_message_is_held_for_as_long_as_its_subscriber_asks() -> None:
    leases: list[timedelta] = []
    stop = threading.Event()

    class Noting(MemoryEventBus):
        def pull(self, topic: Topic, *, lease: timedelta, max_messages: int = 1) -> list[Delivery]:
            leases.append(lease)
            return super().pull(topic, lease=lease, max_messages=max_messages)

    bus = Noting(rules=RULES)
    bus.publish(job_queued("job-1", NOW))
    consume(bus, Topic.JOBS, lambda _: stop.set(), stop=stop, lease=timedelta(seconds=77))
    assert leases == [timedelta(seconds=77)]


def test_an_idle_consumer_stops_at_once() -> None:
    stop = threading.Event()
    consumer = threading.Thread(
        target=consume, args=(Bus(), Topic.JOBS, raising(AssertionError())), kwargs={"stop": stop, "idle_wait_s": 3600}
    )
    consumer.start()
    stop.set()
    consumer.join(PATIENCE_S)
    assert not consumer.is_alive()
