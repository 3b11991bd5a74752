"""What every EventBus has to do; a back-end's test subclasses this and provides ``bus`` and ``advance``.

The bus is made with ``rules``. A back-end without an injected clock waits in ``advance`` and overrides the class
attributes with durations that can be waited for, and ``pull_soon`` and ``letters_soon`` with ones that ask again for a
while.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ClassVar

from shared.job.events import Event, Topic, archive_uploaded, decode, job_queued
from shared.messaging.consumer import hold
from shared.ports.event_bus import DeadLetter, Delivery, DeliveryRules, EventBus
from tests.job_fixture import NOW
from tests.waiting import until

RULES = DeliveryRules(max_attempts=4, min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=30))


class EventBusContract:
    rules: ClassVar[DeliveryRules] = RULES
    lease: ClassVar[timedelta] = timedelta(seconds=60)
    hold: ClassVar[timedelta] = timedelta(seconds=5)
    moment: ClassVar[float] = 0.001
    """Seconds that are certainly noticed by the back-end's clock."""
    margin: ClassVar[float] = 1
    """Seconds before the end of a lease or a wait in which it certainly still holds."""
    num_prompt_retries: ClassVar[int] = 0
    """After how many failed deliveries the back-end does not wait yet."""

    def advance(self, seconds: float) -> None:
        raise NotImplementedError

    def pull_soon(self, bus: EventBus, topic: Topic = Topic.JOBS, max_messages: int = 1) -> list[Delivery]:
        return bus.pull(topic, lease=self.lease, max_messages=max_messages)

    def letters_soon(self, bus: EventBus, topic: Topic = Topic.JOBS) -> list[DeadLetter]:
        return bus.dead_letters(topic)

    def delivered(self, bus: EventBus, topic: Topic = Topic.JOBS) -> Delivery:
        (delivery,) = self.pull_soon(bus, topic)
        return delivery

    def is_idle(self, bus: EventBus, topic: Topic = Topic.JOBS) -> bool:
        return bus.pull(topic, lease=self.lease) == []

    def outlive_lease(self) -> None:
        self.advance(self.lease.total_seconds() + self.moment)

    def published(self, bus: EventBus, job_id: str = "job-1") -> Event:
        event = job_queued(job_id, NOW)
        bus.publish(event)
        return event

    def test_an_event_arrives_as_it_was_published(self, bus: EventBus) -> None:
        event = archive_uploaded("jöb", NOW, object_key="uploads/ü/archive.zip", generation="7")
        bus.publish(event)
        delivery = self.delivered(bus, Topic.UPLOADS)
        assert decode(delivery.data) == event
        assert (delivery.topic, delivery.attempt) == (Topic.UPLOADS, 1)

    def test_events_that_are_published_together_arrive_each_at_its_topic(self, bus: EventBus) -> None:
        jobs = [job_queued(f"job-{number}", NOW) for number in range(3)]
        upload = archive_uploaded("job-4", NOW, object_key="uploads/4/archive.zip", generation="7")
        bus.publish(jobs[0], upload, *jobs[1:])
        assert decode(self.delivered(bus, Topic.UPLOADS).data) == upload
        arrived = {decode(self.delivered(bus).data).event_id for _ in jobs}
        assert arrived == {event.event_id for event in jobs}

    def test_an_empty_topic_gives_nothing(self, bus: EventBus) -> None:
        assert self.is_idle(bus)
        assert bus.dead_letters(Topic.JOBS) == []

    def test_topics_are_apart(self, bus: EventBus) -> None:
        self.published(bus)
        assert self.is_idle(bus, Topic.RESULTS)
        assert self.delivered(bus, Topic.JOBS)

    def test_a_leased_message_is_kept_from_others_until_the_lease_ends(self, bus: EventBus) -> None:
        event = self.published(bus)
        first = self.delivered(bus)
        self.advance(self.lease.total_seconds() - self.margin)
        assert self.is_idle(bus)
        self.advance(self.margin + self.moment)
        again = self.delivered(bus)
        assert (decode(again.data), again.attempt) == (event, 2)
        assert again.receipt != first.receipt

    def test_an_acknowledged_message_never_comes_again(self, bus: EventBus) -> None:
        self.published(bus)
        bus.ack(self.delivered(bus))
        self.outlive_lease()
        assert self.is_idle(bus)
        assert bus.dead_letters(Topic.JOBS) == []

    def test_a_receipt_is_void_once_its_lease_has_ended(self, bus: EventBus) -> None:
        self.published(bus)
        late = self.delivered(bus)
        self.outlive_lease()
        bus.ack(late)
        bus.nack(late)
        bus.dead_letter(late, "too late")
        bus.extend(late, lease=self.lease * 100)
        current = self.delivered(bus)
        assert current.attempt == 2
        assert bus.dead_letters(Topic.JOBS) == []

    def test_a_former_holder_cannot_touch_the_present_delivery(self, bus: EventBus) -> None:
        self.published(bus)
        former = self.delivered(bus)
        self.outlive_lease()
        assert self.delivered(bus).attempt == 2
        bus.ack(former)
        bus.nack(former)
        bus.dead_letter(former, "not mine")
        assert self.is_idle(bus), "still leased to the present holder"
        self.outlive_lease()
        assert self.delivered(bus).attempt == 3

    def test_a_settled_receipt_is_void(self, bus: EventBus) -> None:
        self.published(bus)
        delivery = self.delivered(bus)
        bus.nack(delivery)
        bus.ack(delivery)
        bus.extend(delivery, lease=self.lease * 100)
        self.advance(self.rules.min_backoff.total_seconds() + self.moment)
        assert self.delivered(bus).attempt == 2

    def test_an_extended_lease_holds_from_now(self, bus: EventBus) -> None:
        self.published(bus)
        delivery = self.delivered(bus)
        for _ in range(3):
            self.advance(self.lease.total_seconds() - self.margin)
            bus.extend(delivery, lease=self.lease)
        self.advance(self.lease.total_seconds() - self.margin)
        assert self.is_idle(bus)
        bus.ack(delivery)
        self.outlive_lease()
        assert self.is_idle(bus)

    def test_a_message_given_back_waits_twice_as_long_each_time_up_to_the_longest(self, bus: EventBus) -> None:
        self.published(bus)
        first_s, longest_s = self.rules.min_backoff.total_seconds(), self.rules.max_backoff.total_seconds()
        for attempt, wait_s in ((1, first_s), (2, 2 * first_s), (3, longest_s)):
            delivery = self.delivered(bus)
            assert delivery.attempt == attempt
            bus.nack(delivery)
            if attempt > self.num_prompt_retries:
                self.advance(wait_s - self.margin)
                assert self.is_idle(bus)
                self.advance(self.margin + self.moment)
        assert self.delivered(bus).attempt == 4

    def test_a_message_that_is_held_comes_again_then_whatever_back_off_it_has_come_to(self, bus: EventBus) -> None:
        self.published(bus)
        for _ in range(2):
            bus.nack(self.delivered(bus))
            self.advance(self.rules.max_backoff.total_seconds() + self.moment)
        hold(bus, self.delivered(bus), self.hold)
        self.advance(self.hold.total_seconds() - self.margin)
        assert self.is_idle(bus)
        self.advance(self.margin + self.moment)
        assert self.delivered(bus).attempt == 4

    def test_the_last_attempt_makes_a_dead_letter(self, bus: EventBus) -> None:
        event = self.published(bus)
        for _ in range(self.rules.max_attempts):
            bus.nack(self.delivered(bus))
            self.advance(self.rules.max_backoff.total_seconds() + self.moment)
        assert self.is_idle(bus)
        (letter,) = self.letters_soon(bus)
        assert (decode(letter.data), letter.reason) == (event, "out of attempts")

    def test_a_message_whose_every_subscriber_died_becomes_a_dead_letter(self, bus: EventBus) -> None:
        event = self.published(bus)
        for _ in range(self.rules.max_attempts):
            self.delivered(bus)
            assert bus.dead_letters(Topic.JOBS) == [], "the last attempt may still succeed"
            self.outlive_lease()
        assert self.is_idle(bus)
        assert [decode(letter.data) for letter in self.letters_soon(bus)] == [event]

    def test_a_buried_message_is_dead_at_once_and_keeps_its_reason(self, bus: EventBus) -> None:
        events = [self.published(bus, f"job-{number}") for number in range(2)]
        deliveries = self.pull_soon(bus, max_messages=2)
        for delivery in reversed(deliveries):
            bus.dead_letter(delivery, f"cannot read {decode(delivery.data).job_id}")
        letters = self.letters_soon(bus)
        assert [decode(letter.data) for letter in letters] == events
        assert [letter.reason for letter in letters] == ["cannot read job-0", "cannot read job-1"]
        assert bus.dead_letters(Topic.RESULTS) == []
        self.outlive_lease()
        assert self.is_idle(bus)

    def test_a_pull_takes_no_more_than_asked_for(self, bus: EventBus) -> None:
        events = [self.published(bus, f"job-{number}") for number in range(5)]
        first = self.pull_soon(bus, max_messages=3)
        second = self.pull_soon(bus, max_messages=10)
        assert (len(first), len(second)) == (3, 2)
        ids = {decode(delivery.data).event_id for delivery in first + second}
        assert ids == {event.event_id for event in events}

    def test_threads_that_pull_together_never_share_a_leased_message(self, bus: EventBus) -> None:
        ids = {self.published(bus, f"job-{number}").event_id for number in range(60)}

        pulled: list[str] = []

        def take() -> bool:
            for delivery in bus.pull(Topic.JOBS, lease=self.lease, max_messages=2):
                pulled.append(decode(delivery.data).event_id)
                bus.ack(delivery)
            return len(pulled) >= len(ids)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: until(take, every_s=0), range(8)))
        assert Counter(pulled) == Counter(ids)
        assert self.is_idle(bus)
