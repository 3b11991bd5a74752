"""How many machines are paid for, by a simulation of Google's autoscaler around the real claims, messages and sweeps.

The autoscaler sees the backlog some minutes late, wants a machine for each message that is not acknowledged, follows
the largest backlog of its stabilisation period, and never takes a machine away. The group makes what is wanted once
there is capacity, minutes later. A machine that is idle for ten minutes deletes itself, and the group is one smaller.
Source: https://cloud.google.com/compute/docs/autoscaler/understanding-autoscaler-decisions
"""

from dataclasses import dataclass, field
from datetime import timedelta

from services.trainer.worker.job_lease import JobLease, NothingToDo, claim_job, message_lease
from shared.adapters.embedded.signed_url import UrlSigner
from shared.job.claim import Claimed
from shared.job.events import Topic, announcement, decode
from shared.job.job import JobState
from shared.messaging.consumer import hold
from shared.messaging.outbox import publish_pending
from shared.messaging.sweeper import Patience, sweep
from shared.ports.event_bus import Delivery, DeliveryRules
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.infra.configuration import read
from tests.infra.machine import ROOT
from tests.job_fixture import NOW, HandClock, archive_of, make_job

BLOCKS = read(ROOT / "infra" / "terraform").blocks
TICK_S, LEASE = 5, timedelta(seconds=15)
METRIC_LAG_S, START_S, LOOK_S, SWEEP_S = 180, 240, 60, 120
[SCALING] = BLOCKS["google_compute_autoscaler.trainer"]["autoscaling_policy"]
IDLE_S = BLOCKS["var.trainer_idle_s"]["default"]
SIGNER = UrlSigner(b"0" * 32, public_url="http://127.0.0.1")
ON_GOOGLE = Patience(queued=timedelta(hours=6))


@dataclass
class Machine:
    """One machine of the group, with one worker."""

    name: str
    ready_s: int
    idle_since_s: int = 0
    ends_s: int = 0
    job_lease: JobLease | None = None
    delivery: Delivery | None = None


@dataclass
class World:
    """The group, and what it works on.

    Args:
        job_s: How long a job trains.
        patience: The sweeper's.
        stockouts: From when to when, in seconds, no machine is to be had.
        most: ``trainer_max_machines``.
    """

    job_s: int = 3600
    patience: Patience = ON_GOOGLE
    stockouts: tuple[tuple[int, int], ...] = ()
    most: int = 5
    clock: HandClock = field(default_factory=HandClock)
    machines: list[Machine] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    target: int = 0
    num_made: int = 0
    paid_s: int = 0
    worked_s: int = 0

    def __post_init__(self) -> None:
        rules = DeliveryRules(min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=600))
        self.bus = MemoryEventBus(rules=rules, clock=self.clock)
        self.store, self.heartbeats, self.objects = (
            MemoryJobStore(),
            MemoryHeartbeatStore(),
            MemoryObjectStore(signer=SIGNER),
        )
        self.arrivals: dict[int, str] = {}

    def run(self, arrivals: dict[int, str], until_s: int, kill_at: dict[int, int] | None = None) -> None:
        """Let time pass; machine number ``kill_at[s]`` is taken away without a word at second ``s``."""
        for now_s in range(0, until_s, TICK_S):
            self.clock.now = NOW + timedelta(seconds=now_s)
            if now_s in arrivals:
                self._submit(arrivals[now_s])
            if now_s % SWEEP_S == 0:
                sweep(
                    self.store,
                    self.objects,
                    self.bus,
                    heartbeats=self.heartbeats,
                    now=self.clock(),
                    patience=self.patience,
                )
            self._scale(now_s)
            if kill_at and now_s in kill_at and self.machines:
                self.machines.pop(kill_at[now_s] % len(self.machines))
            for machine in [*self.machines]:
                self._work(machine, now_s)
            working = sum(machine.job_lease is not None for machine in self.machines)
            self.worked_s += working * TICK_S
            self.paid_s += len(self.machines) * TICK_S if working else 0

    @property
    def backlog(self) -> int:
        """What Cloud Monitoring would count."""
        return sum(message.topic is Topic.JOBS and message.dead_because is None for message in self.bus._messages)

    def states(self) -> set[JobState]:
        return {self.store.get(job_id).job.state for job_id in self.arrivals.values()}

    def _submit(self, job_id: str) -> None:
        job = make_job(
            job_id, JobState.QUEUED, archive=archive_of(job_id), created_at=self.clock(), updated_at=self.clock()
        )
        self.store.create(job, announcement(job, self.clock()))
        publish_pending(self.store, self.bus)
        self.arrivals[len(self.arrivals)] = job_id

    def _scale(self, now_s: int) -> None:
        self.seen.append(self.backlog)
        if now_s % LOOK_S == 0:
            lag, window = METRIC_LAG_S // TICK_S, SCALING["stabilization_period"] // TICK_S
            visible = self.seen[max(0, len(self.seen) - lag - window) : max(0, len(self.seen) - lag)]
            self.target = min(self.most, max(self.target, max(visible, default=0)))
        is_out = any(start <= now_s < end for start, end in self.stockouts)
        while len(self.machines) < self.target and not is_out:
            self.num_made += 1
            ready_s = now_s + START_S
            self.machines.append(Machine(name=f"m{self.num_made}", ready_s=ready_s, idle_since_s=ready_s))

    def _work(self, machine: Machine, now_s: int) -> None:
        if now_s < machine.ready_s:
            return
        if machine.job_lease is not None and machine.delivery is not None:
            machine.job_lease.beat()
            self.bus.extend(machine.delivery, lease=message_lease(LEASE))
            if now_s >= machine.ends_s:
                machine.job_lease.finish(JobState.REPORTING)
                self.bus.ack(machine.delivery)
                machine.job_lease, machine.idle_since_s = None, now_s
        elif not self._take(machine, now_s) and now_s - machine.idle_since_s >= IDLE_S:
            self.machines.remove(machine)  # retire.sh: the group is one smaller
            self.target -= 1

    def _take(self, machine: Machine, now_s: int) -> bool:
        """Take the next message as :meth:`services.trainer.worker.worker.Worker._handle` does."""
        for delivery in self.bus.pull(Topic.JOBS, lease=message_lease(LEASE)):
            try:
                machine.job_lease = claim_job(
                    self.store,
                    self.heartbeats,
                    decode(delivery.data),
                    owner=machine.name,
                    lease=LEASE,
                    clock=self.clock,
                )
            except NothingToDo:
                self.bus.ack(delivery)
            except Claimed as claimed:
                hold(self.bus, delivery, claimed.left)
            else:
                machine.delivery, machine.ends_s = delivery, now_s + self.job_s
                return True
        return False


def test_one_job_of_an_hour_pays_for_one_machine():
    world = World()
    world.run({0: "job-a"}, 6 * 3600)
    assert world.states() == {JobState.REPORTING}
    assert (world.num_made, world.machines, world.backlog) == (1, [], 0)
    assert world.paid_s / world.worked_s <= 1.2


def test_a_stockout_of_two_hours_ends_in_one_machine_and_not_in_six():
    world = World(stockouts=((0, 7200),))
    world.run({0: "job-a"}, 8 * 3600)
    assert world.states() == {JobState.REPORTING}
    assert (world.num_made, world.backlog) == (1, 0)
    assert world.paid_s / world.worked_s <= 1.2


def test_impatient_reminders_would_be_machines_which_is_what_this_simulation_is_to_see():
    world = World(stockouts=((0, 7200),), patience=Patience())
    world.run({0: "job-a"}, 8 * 3600)
    assert world.num_made > 2


def test_jobs_through_a_day_with_stockouts_and_machines_taken_away_pay_for_little_more_than_they_use():
    arrivals = {600 * number * (1 + number % 3) // TICK_S * TICK_S: f"job-{number}" for number in range(1, 13)}
    world = World(job_s=2700, stockouts=((1200, 5400), (20000, 26000)), most=4)
    world.run(arrivals, 24 * 3600, kill_at={7000: 0, 9000: 1, 15000: 0})
    assert world.states() == {JobState.REPORTING}
    assert world.bus.dead_letters(Topic.JOBS) == []
    assert (world.backlog, world.machines) == (0, [])
    assert world.paid_s / world.worked_s <= 1.2


def test_a_machine_that_dies_gives_its_job_to_another_within_seconds_of_its_lease():
    world = World(most=2)
    world.run({0: "job-a"}, 3 * 3600, kill_at={900: 0})
    job = world.store.get("job-a").job
    assert (job.state, job.claim.fence) == (JobState.REPORTING, 2)
    assert job.updated_at - NOW < timedelta(seconds=900 + START_S + 60 + world.job_s)


def test_on_google_cloud_queued_jobs_are_reminded_of_as_seldom_as_simulated():
    text = (ROOT / "infra" / "terraform" / "intake.tf").read_text(encoding="utf-8")
    assert f'CONVTAILOR_QUEUED_PATIENCE_S = "{ON_GOOGLE.queued.total_seconds():.0f}"' in text
