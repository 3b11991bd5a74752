"""Who may change a job, who may not any more, and what of an attempt is never lost; over stores in memory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.trainer.worker.job_lease import JobLease, LostClaim, NothingToDo, claim_job
from shared.errors import Conflict, NotFound, Transient
from shared.job.claim import Claim
from shared.job.events import EventType, job_queued
from shared.job.heartbeat import Heartbeat
from shared.job.job import Artefacts, Job, JobState, Trial, TrialState
from shared.job.progress import Progress
from shared.ports.heartbeat_store import as_told
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.job_fixture import NOW, HandClock, archive_of, make_job

LEASE = timedelta(seconds=30)
DONE = Trial(name="screen/tiny", state=TrialState.DONE, val_accuracy=0.75)


class Shop:
    """One queued job and all that workers need to take it."""

    def __init__(self, **changes: Any) -> None:
        self.clock, self.store, self.heartbeats = HandClock(), MemoryJobStore(), FlakyHeartbeats()
        self.store.create(make_job(state=JobState.QUEUED, archive=archive_of(), **changes))
        self.event = job_queued("job-1", self.clock())

    @property
    def written(self) -> Job:
        """The job as it lies in the store of jobs."""
        return self.store.get("job-1").job

    @property
    def told(self) -> Job:
        """The job as its status page tells it."""
        return as_told(self.written, self.heartbeats)

    def claimed_by(self, owner: str) -> JobLease:
        return claim_job(self.store, self.heartbeats, self.event, owner=owner, lease=LEASE, clock=self.clock)

    def taken_over(self) -> tuple[JobLease, JobLease]:
        """Return the hold of a worker that slept past its lease, and that of its successor."""
        zombie = self.claimed_by("zombie")
        self.clock.advance(LEASE.total_seconds())
        return zombie, self.claimed_by("successor")


class FlakyHeartbeats(MemoryHeartbeatStore):
    """A store that refuses as many calls as told."""

    num_refusals = 0

    def put(self, heartbeat: Heartbeat) -> None:
        self._refuse()
        super().put(heartbeat)

    def delete(self, job_id: str) -> None:
        self._refuse()
        super().delete(job_id)

    def _refuse(self) -> None:
        if self.num_refusals:
            self.num_refusals -= 1
            raise Transient("the store sleeps")


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_while_a_worker_tells_how_it_fares_the_job_stays_its_own_however_long_it_takes(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    for _ in range(100):
        shop.clock.advance(LEASE.total_seconds() - 1)
        held.beat()
        shop.clock.advance(LEASE.total_seconds() - 1)
        with pytest.raises(Conflict, match="worker"):
            shop.claimed_by("other")
        held.beat()
    assert held.finish(JobState.REPORTING).state is JobState.REPORTING


def test_training_writes_the_job_when_it_is_taken_and_when_it_ends_and_never_between(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    revision = shop.store.get("job-1").revision
    for number in range(50):
        held.note_progress(Progress(phase="screen", done=number, total=50))
        held.note_trial(replace(DONE, name=f"tune/{number}"))
        held.note_device("CPU")
        held.beat()
        held.read()
    assert shop.store.get("job-1").revision == revision
    assert len(shop.told.trials) == 50


def test_a_person_who_cancels_is_never_in_the_way_of_the_one_who_trains(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    before = shop.store.get("job-1")
    held.note_progress(Progress(phase="tune"))
    held.beat()
    shop.store.replace(before, replace(before.job, cancel_requested_at=NOW))
    assert held.read().cancel_requested_at == NOW
    ended = held.finish(JobState.CANCELLED)
    assert (ended.state, ended.cancel_requested_at) == (JobState.CANCELLED, NOW)


def test_what_is_told_is_shown_while_it_trains_and_stands_in_the_job_after(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    progress = Progress(phase="screen", done=1, total=2)
    held.note_device("CPU (2 cores)")
    held.note_progress(progress)
    held.note_trial(replace(DONE, state=TrialState.FAILED))
    held.note_trial(DONE)
    held.note_spent(12.5)
    assert held.is_beat_due(0.0)
    held.beat()
    assert not held.is_beat_due(0.0)
    shown = shop.told
    assert (shown.device, shown.progress, shown.trials, shown.trained_s) == ("CPU (2 cores)", progress, (DONE,), 12.5)
    ended = held.finish(JobState.REPORTING, artefacts=Artefacts(result="r"))
    kept = replace(shown, claim=None)
    assert replace(ended, claim=None, state=kept.state, artefacts=kept.artefacts) == kept
    assert ended.artefacts == Artefacts(result="r")
    assert [event.type for event in shop.store.pending_events()] == [EventType.TRAINING_FINISHED]


def test_what_was_told_after_the_last_heartbeat_is_not_lost_at_the_end(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    held.note_trial(DONE)
    held.note_spent(7.0)
    ended = held.finish(JobState.REPORTING)
    assert (ended.trials, ended.trained_s) == ((DONE,), 7.0)


def test_an_attempt_that_died_leaves_its_successor_the_rest_of_the_budget_and_its_trials(shop: Shop) -> None:
    first = shop.claimed_by("first")
    first.note_spent(100.0)
    first.note_trial(DONE)
    first.note_device("CPU")
    first.beat()
    first.note_spent(105.0)  # and dies
    shop.clock.advance(LEASE.total_seconds())
    second = shop.claimed_by("second")
    assert second.job.trained_s == 100.0
    assert (second.job.trials, second.job.device, second.job.attempts) == ((DONE,), "CPU", 2)
    second.beat()
    assert shop.told.trained_s == 100.0, "a heartbeat before anything was noted takes nothing back"
    second.note_spent(20.0)
    second.beat()
    assert shop.told.trained_s == 120.0
    shop.clock.advance(LEASE.total_seconds())
    assert shop.claimed_by("third").job.trained_s == 120.0


@pytest.mark.parametrize(("counts", "attempts"), [(True, 1), (False, 0)])
def test_a_job_handed_back_can_be_taken_at_once_with_all_it_has(shop: Shop, counts: bool, attempts: int) -> None:
    held = shop.claimed_by("worker")
    held.note_spent(40.0)
    held.note_trial(DONE)
    held.beat()
    held.note_spent(41.0)
    held.hand_back(counts=counts)
    job = shop.written
    assert (job.state, job.attempts, job.trained_s, job.trials) == (JobState.TRAINING, attempts, 41.0, (DONE,))
    other = shop.claimed_by("other")
    assert (other.claim.fence, other.job.trained_s) == (2, 41.0)


def test_a_zombie_changes_nothing_and_learns_so(shop: Shop) -> None:
    zombie, successor = shop.taken_over()
    successor.note_progress(Progress(phase="tune"))
    successor.beat()
    before = shop.told
    zombie.note_spent(999.0)
    zombie.note_progress(Progress(phase="export"))
    zombie.beat()
    assert shop.told == before, "what it tells is of a fence that nobody reads"
    for attempt in (
        zombie.read,
        lambda: zombie.hand_back(counts=True),
        lambda: zombie.finish(JobState.FAILED),
        lambda: zombie.finish(JobState.REPORTING, artefacts=Artefacts(result="stale")),
    ):
        with pytest.raises(LostClaim, match="no longer holds the claim"):
            attempt()
    assert shop.told == before
    assert shop.store.pending_events() == []
    assert successor.finish(JobState.REPORTING).claim.fence == 2


def test_a_zombie_whose_successor_has_ended_the_job_changes_nothing_either(shop: Shop) -> None:
    zombie, successor = shop.taken_over()
    ended = successor.finish(JobState.REPORTING)
    zombie.beat()
    with pytest.raises(LostClaim):
        zombie.finish(JobState.FAILED)
    assert shop.told == ended
    with pytest.raises(NothingToDo):
        shop.claimed_by("third")


def test_a_worker_that_is_late_keeps_the_job_as_long_as_nobody_took_it(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    shop.clock.advance(3600)
    held.beat()
    with pytest.raises(Conflict):
        shop.claimed_by("other")
    held.finish(JobState.REPORTING)


def test_one_that_reads_before_a_late_heartbeat_and_claims_after_it_wins_and_both_know(shop: Shop) -> None:
    late = shop.claimed_by("late")
    shop.clock.advance(LEASE.total_seconds())

    class Interleaved(FlakyHeartbeats):
        def get(self, job_id: str, fence: int) -> Heartbeat | None:
            found = super().get(job_id, fence)
            late.beat()
            return found

    between = Interleaved()
    late.heartbeats = between
    winner = claim_job(shop.store, between, shop.event, owner="winner", lease=LEASE, clock=shop.clock)
    with pytest.raises(LostClaim):
        late.read()
    assert winner.finish(JobState.REPORTING).claim.owner == "winner"


def test_what_a_heartbeat_that_did_not_arrive_was_to_tell_goes_with_the_next(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    held.note_trial(DONE)
    shop.clock.advance(LEASE.total_seconds() + 20)
    shop.heartbeats.num_refusals = 1
    with pytest.raises(Transient):
        held.beat()
    assert held.is_beat_due(1.0)
    held.beat()
    assert shop.told.trials == (DONE,)
    assert shop.told.claim.expires_at == shop.clock() + LEASE


def test_an_end_is_an_end_even_where_the_heartbeats_cannot_be_deleted(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    held.note_spent(1.0)
    held.beat()
    shop.heartbeats.num_refusals = 1
    ended = held.finish(JobState.REPORTING)
    assert shop.heartbeats.get("job-1", 1) is not None
    assert shop.told == ended


def test_where_a_handed_back_job_keeps_a_heartbeat_it_waits_for_the_rest_of_the_lease(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    held.beat()
    shop.heartbeats.num_refusals = 1
    held.hand_back(counts=False)
    with pytest.raises(Conflict):
        shop.claimed_by("other")
    shop.clock.advance(LEASE.total_seconds())
    assert shop.claimed_by("other").claim.fence == 2


def test_no_heartbeat_is_left_of_a_job_that_has_ended(shop: Shop) -> None:
    zombie, successor = shop.taken_over()
    zombie.beat()
    successor.beat()
    successor.finish(JobState.REPORTING)
    assert [shop.heartbeats.get("job-1", fence) for fence in (1, 2)] == [None, None]


def test_a_job_of_an_earlier_version_goes_on_with_the_budget_it_had_left() -> None:
    """Until then claim, time, device, progress and trials were written into the job itself, and no heartbeats."""
    former = Claim(owner="former", fence=4, expires_at=NOW + timedelta(seconds=10))
    progress = Progress(phase="tune", done=3, total=9)
    shop = Shop(claim=former, attempts=1, trained_s=333.0, device="CPU", progress=progress, trials=(DONE,))
    shop.store.replace(shop.store.get("job-1"), replace(shop.written, state=JobState.TRAINING))
    assert shop.told == shop.written, "what its worker wrote is shown"
    with pytest.raises(Conflict, match="former"):
        shop.claimed_by("newer")
    shop.clock.advance(10)
    newer = shop.claimed_by("newer")
    assert (newer.claim.fence, newer.job.trained_s, newer.job.trials) == (5, 333.0, (DONE,))
    newer.note_spent(1.0)
    newer.beat()
    assert (shop.told.trained_s, shop.told.progress, shop.told.device) == (334.0, progress, "CPU")


def test_a_worker_of_an_earlier_version_that_takes_the_job_is_noticed(shop: Shop) -> None:
    """It knows nothing of heartbeats, and sees a claim that has run out."""
    held = shop.claimed_by("newer")
    held.beat()
    shop.clock.advance(LEASE.total_seconds())
    held.beat()
    stored = shop.store.get("job-1")
    taken = Claim(owner="former", fence=2, expires_at=shop.clock() + LEASE)
    shop.store.replace(stored, replace(stored.job, claim=taken))
    assert shop.told.claim == taken
    with pytest.raises(LostClaim):
        held.read()


def test_a_job_that_was_forgotten_meanwhile_is_not_found(shop: Shop) -> None:
    held = shop.claimed_by("worker")
    shop.store.delete("job-1")
    with pytest.raises(NotFound):
        held.finish(JobState.REPORTING)


class Workers(RuleBasedStateMachine):
    """Three workers and one job; each believes in the hold it got last, and any of them may sleep or die."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.holds: dict[str, JobLease] = {}
        self.fence = 0
        self.highest_told_s = 0.0

    workers = st.sampled_from(["ada", "bob", "cleo"])

    @property
    def is_open(self) -> bool:
        return self.shop.written.state is not JobState.REPORTING

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.shop.clock.advance(seconds)

    @rule(worker=workers)
    def one_claims(self, worker: str) -> None:
        before = self.shop.told
        try:
            self.holds[worker] = self.shop.claimed_by(worker)
        except (Conflict, NothingToDo):
            assert not self.is_open or (before.claim.is_live(self.shop.clock()) and before.claim.owner != worker)
            return
        assert before.claim is None or before.claim.owner == worker or not before.claim.is_live(self.shop.clock())
        self.fence += 1
        assert self.holds[worker].claim.fence == self.fence
        assert self.holds[worker].job.trained_s >= self.highest_told_s, "time once told is never given back"

    def is_current(self, hold: JobLease) -> bool:
        return hold.claim.fence == self.fence

    @precondition(lambda self: self.holds)
    @rule(worker=workers, seconds=st.integers(0, 20))
    def one_tells(self, worker: str, seconds: int) -> None:
        hold = self.holds.get(worker)
        if hold is None:
            return
        before = self.shop.told
        hold.note_spent(hold._known.trained_s - hold.job.trained_s + seconds)
        hold.beat()
        if self.is_current(hold) and self.is_open:
            self.highest_told_s = self.shop.told.trained_s
            assert self.shop.told.claim.is_live(self.shop.clock())
        else:
            assert self.shop.told == before, "a zombie changed something"

    @precondition(lambda self: self.holds)
    @rule(worker=workers, how=st.sampled_from(["read", "hand_back", "finish"]))
    def one_acts(self, worker: str, how: str) -> None:
        hold = self.holds.get(worker)
        if hold is None:
            return
        before = self.shop.told
        acts = {
            "read": hold.read,
            "hand_back": lambda: hold.hand_back(counts=False),
            "finish": lambda: hold.finish(JobState.REPORTING),
        }
        try:
            acts[how]()
        except LostClaim:
            assert not self.is_current(hold)
            assert self.shop.told == before
        else:
            assert self.is_current(hold), "a zombie changed the job of its successor"
            self.highest_told_s = max(self.highest_told_s, self.shop.told.trained_s)
            if how != "read":
                del self.holds[worker]

    @invariant()
    def no_time_is_given_back(self) -> None:
        assert self.shop.told.trained_s >= self.highest_told_s


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=200)
