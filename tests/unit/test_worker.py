"""A worker with in-memory back-ends and a training process that follows a script: how every kind of end is told."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.trainer.failure import archive_gone
from services.trainer.protocol import Message, MessageKind, Order, candidate_trial
from services.trainer.run.deadline import LATE_S, PATIENCE, UNMEASURED_S
from services.trainer.worker.job_lease import claim_job
from services.trainer.worker.training_process import TrainingProcess
from services.trainer.worker.warm_process import Unfit
from shared.adapters.embedded.signed_url import UrlSigner
from shared.errors import NotFound, Transient
from shared.job.claim import Claim
from shared.job.events import Event, EventType, Topic, announcement, job_queued
from shared.job.heartbeat import Heartbeat
from shared.job.job import JobState, Trial, TrialState, advance
from shared.json_codec import to_json
from shared.layout import ledger_key
from shared.ports.event_bus import SHORTEST_LEASE, Delivery
from shared.ports.job_store import StoredJob
from shared.ports.object_store import StoredObject
from tests import scripted_training
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import NOW
from tests.scripted_training import Script
from tests.waiting import PATIENCE_S
from tests.worker_fixture import JOB_ID, House, RealHouse


@pytest.mark.parametrize("house_of", [House, RealHouse])
def test_success_is_reported_once_with_artefacts_trials_and_device(house_of: type[House]) -> None:
    house = house_of()
    assert house.worker("succeed").work_once()
    job = house.job
    assert job.state is JobState.REPORTING
    assert job.artefacts == scripted_training.ARTEFACTS
    assert [trial.name for trial in job.trials] == ["screen/halved_0"]
    assert job.device == "CPU (2 cores)"
    assert job.progress is not None
    assert job.progress.best is not None
    assert job.attempts == 1
    assert job.claim is not None
    assert not job.claim.is_live(house.clock())
    assert house.told() == [EventType.TRAINING_FINISHED]
    assert not house.waits()


def test_a_job_whose_archive_is_gone_ends_once_and_says_so_however_often_it_is_told_of() -> None:
    def miss_the_archive(_: Order) -> Script:
        yield Message(kind=MessageKind.FAILED, fault=archive_gone(NotFound("there is no object")))

    house = House()
    again = Event(type=EventType.JOB_QUEUED, event_id="again", job_id=JOB_ID, occurred_at=house.clock())
    house.worker(miss_the_archive).work_once()
    ended = house.job
    assert (ended.state, ended.fault.code) == (JobState.FAILED, "archive_gone")
    house.bus.publish(again)
    house.worker(miss_the_archive).work_once()
    assert house.job == ended
    assert house.told() == [EventType.JOB_FAILED]
    assert not house.waits()


def test_a_second_message_about_a_finished_job_changes_nothing() -> None:
    house = House()
    event = Event(type=EventType.JOB_QUEUED, event_id="again", job_id=JOB_ID, occurred_at=house.clock())
    house.worker("succeed").work_once()
    finished = house.job
    house.bus.publish(event)
    house.worker("crash").work_once()
    assert house.job == finished
    assert house.told() == [EventType.TRAINING_FINISHED]
    assert not house.waits()


@pytest.mark.parametrize(
    ("script", "state", "event"),
    [
        ("reject", JobState.REJECTED, EventType.JOB_REJECTED),
        ("fail", JobState.FAILED, EventType.JOB_FAILED),
    ],
)
def test_a_fault_ends_the_job_at_once(script: str, state: JobState, event: EventType) -> None:
    house = House()
    house.worker(script).work_once()
    assert (house.job.state, house.job.fault, house.job.attempts) == (state, scripted_training.FAULT, 1)
    assert house.told() == [event]
    assert not house.waits()


@pytest.mark.parametrize(
    ("house_of", "script", "code"),
    [
        (House, "crash", "training_crashed"),
        (House, "run_out_of_memory", "out_of_memory"),
        (RealHouse, "run_out_of_memory", "out_of_memory"),
    ],
)
def test_a_training_that_always_dies_fails_after_the_last_attempt(
    house_of: type[House], script: str, code: str
) -> None:
    house = house_of()
    worker = house.worker(script, max_attempts=2)
    worker.work_once()
    assert house.job.state is JobState.TRAINING
    assert house.told() == []
    worker.work_once()
    assert house.job.state is JobState.FAILED
    assert house.job.fault is not None
    assert (house.job.fault.code, house.job.fault.details["attempts"]) == (code, 2)
    assert house.told() == [EventType.JOB_FAILED]
    assert not house.waits()


def test_after_running_out_of_memory_batches_are_halved() -> None:
    house = House()
    worker = house.worker("run_out_of_memory_once")
    worker.work_once()
    worker.work_once()
    assert house.job.state is JobState.REPORTING
    assert [trial.name for trial in house.job.trials] == ["screen/halved_1"]


def test_a_verifier_that_is_lost_is_no_verdict_on_the_network() -> None:
    house = House()
    worker = house.worker("lose_the_verifier_once")
    worker.work_once()
    assert (house.job.state, house.job.attempts, house.told()) == (JobState.TRAINING, 1, [])
    worker.work_once()
    assert (house.job.state, house.job.fault) == (JobState.REPORTING, None)


def test_a_job_whose_workers_all_vanished_is_given_up() -> None:
    house = House()
    house.change(state=JobState.TRAINING, attempts=3)
    house.worker("succeed", max_attempts=3).work_once()
    assert house.job.fault is not None
    assert house.job.fault.code == "training_lost"


@pytest.mark.parametrize("house_of", [House, RealHouse])
def test_cancelling_delivers_the_best_so_far(house_of: type[House]) -> None:
    house = house_of()
    worker = house.worker("finish_when_told", meanwhile=house.cancel)
    worker.work_once()
    assert house.job.state is JobState.CANCELLED
    assert house.job.artefacts == scripted_training.ARTEFACTS
    assert house.told() == [EventType.JOB_CANCELLED]


@pytest.mark.parametrize("script", ["stop_when_told", "be_deaf"])
def test_cancelling_before_anything_is_trained_leaves_no_artefacts(script: str) -> None:
    house = House()
    worker = house.worker(script, meanwhile=house.cancel)
    worker.work_once()
    assert house.job.state is JobState.CANCELLED
    assert house.job.artefacts.model_h5 is None


def test_the_budget_ends_training_with_the_best_so_far() -> None:
    house = House(budget_minutes=0.001)
    house.worker("finish_when_told").work_once()
    assert house.job.state is JobState.REPORTING
    assert house.job.artefacts == scripted_training.ARTEFACTS


def test_the_budget_counts_what_earlier_attempts_spent() -> None:
    house = House(budget_minutes=10)
    house.change(trained_s=600.0)
    house.worker("finish_when_told").work_once()
    assert house.job.state is JobState.REPORTING


@pytest.mark.parametrize(("script", "code"), [("be_deaf", "budget_overrun"), ("stop_when_told", "budget_too_short")])
def test_a_budget_without_a_network_is_a_clear_failure(script: str, code: str) -> None:
    house = House(budget_minutes=0.001)
    house.worker(script).work_once()
    assert house.job.state is JobState.FAILED
    assert house.job.fault is not None
    assert house.job.fault.code == code


def test_a_delivery_that_takes_as_long_as_was_measured_is_waited_for() -> None:
    house = House(budget_minutes=60)
    began = house.clock()
    house.worker("evaluate_for_ten_minutes").work_once()
    assert house.job.state is JobState.REPORTING
    assert house.job.artefacts == scripted_training.ARTEFACTS
    assert house.clock() - began <= timedelta(seconds=3600 + LATE_S)


def test_a_cancelled_job_whose_evaluation_takes_ten_minutes_is_delivered() -> None:
    house = House(budget_minutes=60)
    house.worker("evaluate_for_ten_minutes", meanwhile=house.cancel).work_once()
    assert house.job.state is JobState.CANCELLED
    assert house.job.artefacts == scripted_training.ARTEFACTS


@pytest.mark.parametrize("cancels", [False, True])
def test_a_training_that_hangs_is_killed_and_what_it_had_found_is_delivered_by_the_next(cancels: bool) -> None:
    house = House(budget_minutes=10)
    worker = house.worker("deliver_or_be_deaf", meanwhile=house.cancel if cancels else None)
    worker.work_once()
    assert house.job.state is JobState.TRAINING
    worker.work_once()
    assert house.job.artefacts == scripted_training.ARTEFACTS
    assert house.job.state is (JobState.CANCELLED if cancels else JobState.REPORTING)
    assert not house.waits()


def test_who_cancels_what_hangs_already_waits_no_longer_for_that() -> None:
    house = House(budget_minutes=10)
    began, advance = house.clock(), house.hands.advance

    def advance_and_cancel(seconds: float) -> None:
        advance(seconds)
        if house.clock() >= began + timedelta(seconds=650) and house.job.cancel_requested_at is None:
            house.cancel()

    house.hands.advance = advance_and_cancel
    house.worker("be_deaf").work_once()
    assert house.job.state is JobState.CANCELLED
    told_s = 600 - UNMEASURED_S
    killed_s = told_s + LATE_S + PATIENCE * UNMEASURED_S
    assert house.clock() <= began + timedelta(seconds=killed_s + 5)


def left_in_ledger(house: House, fence: int, state: TrialState = TrialState.DONE) -> None:
    """Leave a page of the ledger and no word of it in the job, as a worker whose machine dies at once does."""
    key = ledger_key(JOB_ID, fence, candidate_trial("tiny"))
    page = {"made_from": {}, "trial": to_json(Trial(name=candidate_trial("tiny"), state=state))}
    house.objects.put(f"{key}.json", io.BytesIO(json.dumps(page).encode()), content_type="application/json")


def test_a_network_in_the_ledger_that_no_heartbeat_told_of_is_delivered_after_the_last_loss() -> None:
    house = House()
    claim = Claim(owner="lost", fence=3, expires_at=house.clock())
    house.change(state=JobState.TRAINING, attempts=3, claim=claim)
    left_in_ledger(house, 3)
    house.worker("deliver_or_crash", max_attempts=3).work_once()
    assert (house.job.state, house.job.fault) == (JobState.REPORTING, None)
    assert house.job.artefacts == scripted_training.ARTEFACTS
    assert [trial.name for trial in house.job.trials] == ["screen/tiny"], "its status page shows it too"


def test_a_stop_finds_a_network_in_the_ledger_that_no_heartbeat_told_of() -> None:
    house = House()
    claim = Claim(owner="lost", fence=1, expires_at=house.clock())
    house.change(state=JobState.TRAINING, attempts=1, claim=claim)
    left_in_ledger(house, 1)
    house.worker("deliver_or_be_deaf", meanwhile=house.cancel).work_once()
    assert house.job.state is JobState.CANCELLED
    assert house.job.artefacts == scripted_training.ARTEFACTS


def test_a_cancelled_job_with_a_network_in_the_ledger_waits_for_room_and_loses_nothing() -> None:
    house = House()
    house.free_bytes = 0
    claim = Claim(owner="lost", fence=1, expires_at=house.clock())
    house.change(state=JobState.TRAINING, attempts=1, claim=claim, cancel_requested_at=house.clock())
    left_in_ledger(house, 1)
    house.worker("fill_the_disk").work_once()
    assert house.job.state is JobState.TRAINING
    assert house.job.claim == claim, "it is not even taken"


def test_a_candidate_that_failed_or_a_damaged_page_is_no_network() -> None:
    house = House()
    house.change(state=JobState.TRAINING, attempts=3, claim=Claim(owner="lost", fence=3, expires_at=house.clock()))
    left_in_ledger(house, 2, TrialState.FAILED)
    house.objects.put(f"{ledger_key(JOB_ID, 3, 'screen/vgg16')}.json", io.BytesIO(b"{"), content_type="a/b")
    house.worker("deliver_or_crash", max_attempts=3).work_once()
    assert house.job.fault is not None
    assert house.job.fault.code == "training_lost"


def test_a_ledger_that_cannot_be_asked_costs_no_attempt() -> None:
    class Away(MemoryObjectStore):
        def list(self, prefix: str) -> Iterator[StoredObject]:
            raise Transient("the store is away")

    house = House()
    house.objects = Away(signer=UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=house.clock))
    house.change(state=JobState.TRAINING, attempts=2, claim=Claim(owner="lost", fence=2, expires_at=house.clock()))
    house.worker("succeed").work_once()
    assert (house.job.state, house.job.attempts) == (JobState.TRAINING, 2)
    assert not house.job.claim.is_live(house.clock())
    assert house.waits()


def test_after_the_last_loss_of_a_worker_what_was_found_is_delivered() -> None:
    house = House()
    house.change(state=JobState.TRAINING, attempts=3, trials=(scripted_training.FINISHED_CANDIDATE.trial,))
    house.worker("deliver_or_crash", max_attempts=3).work_once()
    assert house.job.state is JobState.REPORTING
    assert house.job.artefacts == scripted_training.ARTEFACTS


@pytest.mark.parametrize("script", ["deliver_or_crash", "deliver_or_break"])
def test_after_the_last_death_of_a_training_what_was_found_is_delivered(script: str) -> None:
    house = House()
    worker = house.worker(script, max_attempts=2)
    for _ in range(2):
        worker.work_once()
        assert house.job.state is JobState.TRAINING
    worker.work_once()
    assert house.job.state is JobState.REPORTING
    assert house.job.attempts == 3


def test_where_delivering_dies_too_the_job_fails_and_says_how_often() -> None:
    house = House()
    worker = house.worker("find_a_network_and_crash", max_attempts=2)
    for _ in range(3):
        worker.work_once()
    assert house.job.state is JobState.FAILED
    assert house.job.fault is not None
    assert (house.job.fault.code, house.job.fault.details["attempts"]) == ("training_crashed", 3)
    assert not house.waits()


def test_a_network_that_cannot_be_found_any_more_is_a_clear_failure() -> None:
    house = House()
    house.change(state=JobState.TRAINING, attempts=3, trials=(scripted_training.FINISHED_CANDIDATE.trial,))
    house.worker("find_nothing_to_deliver", max_attempts=3).work_once()
    assert house.job.fault is not None
    assert house.job.fault.code == "training_lost"


@pytest.mark.parametrize("script", ["find_a_network_and_crash", "deliver_or_be_deaf"])
def test_what_a_lost_attempt_spent_is_counted_to_the_second(script: str) -> None:
    house = House(budget_minutes=1)
    began = house.clock()
    house.worker(script).work_once()
    assert house.job.trained_s == pytest.approx((house.clock() - began).total_seconds(), abs=1.0)


def test_a_worker_that_lost_its_claim_changes_nothing() -> None:
    house = House()

    def another_takes_over() -> None:
        claim_job(
            house.store,
            house.heartbeats,
            house.event,
            owner="successor",
            lease=timedelta(minutes=1),
            clock=lambda: house.clock() + timedelta(hours=1),
        )

    house.worker("succeed", meanwhile=another_takes_over).work_once()
    job = house.job
    assert job.claim is not None
    assert (job.state, job.claim.owner, job.claim.fence) == (JobState.TRAINING, "successor", 2)
    assert (job.trials, job.progress, job.artefacts.model_h5) == ((), None, None)
    assert house.told() == []


def test_a_claimed_job_is_left_alone_and_its_message_comes_again() -> None:
    house = House()
    minute = timedelta(minutes=1)
    claim_job(house.store, house.heartbeats, house.event, owner="first", lease=minute, clock=house.clock)
    before = house.job
    house.worker("succeed").work_once()
    assert house.job == before
    house.hands.advance(minute.total_seconds())
    assert house.waits(), "should the first worker die, this is what brings the job to another"


def test_a_reminder_of_a_job_that_is_at_work_goes_for_good_instead_of_asking_for_one_more_machine() -> None:
    house = House()
    reminder = job_queued(JOB_ID, house.clock())
    claim_job(house.store, house.heartbeats, reminder, owner="first", lease=timedelta(minutes=1), clock=house.clock)
    before = house.job
    house.worker("succeed").work_once()
    assert house.job == before
    assert not house.waits()


def test_a_claim_of_an_older_release_which_names_no_event_is_no_reason_to_forget_a_message() -> None:
    house = House()
    stored = house.store.get(JOB_ID)
    claim = Claim(owner="older", fence=1, expires_at=house.clock() + timedelta(minutes=1))
    house.store.replace(stored, advance(stored.job, JobState.TRAINING, house.clock(), claim=claim))
    house.worker("succeed").work_once()
    house.hands.advance(60)
    assert house.waits()


def test_shutting_down_gives_the_job_to_another_worker() -> None:
    house = House()
    worker = house.worker("finish_when_told", meanwhile=lambda: worker.shutdown.set())  # noqa: PLW0108 - it is not there yet
    worker.run()
    assert house.job.state is JobState.TRAINING
    assert house.job.attempts == 0
    house.hands.advance(SHORTEST_LEASE.total_seconds())
    house.worker("succeed").work_once()
    assert house.job.state is JobState.REPORTING
    assert house.job.claim is not None
    assert house.job.claim.fence == 2
    assert house.told() == [EventType.TRAINING_FINISHED]


def test_a_store_out_of_reach_costs_no_attempt() -> None:
    house = House()
    house.worker("lose_the_store").work_once()
    assert (house.job.state, house.job.attempts) == (JobState.TRAINING, 0)
    assert house.waits()


def test_prints_to_standard_output_do_no_harm() -> None:
    house = House()
    house.worker("babble").work_once()
    assert house.job.state is JobState.REPORTING


def test_a_message_about_an_unknown_job_is_buried() -> None:
    house = House()
    house.bus = MemoryEventBus(clock=house.clock)
    house.bus.publish(Event(type=EventType.JOB_QUEUED, event_id="e", job_id="gone", occurred_at=house.clock()))
    house.worker("succeed").work_once()
    assert len(house.bus.dead_letters(Topic.JOBS)) == 1


def test_a_warm_training_process_serves_the_next_job() -> None:
    house = House()
    ScriptedBus(house, on_pull=lambda _: house.hands.advance(1))
    started: list[JobState] = []
    house.worker("succeed", warm_child=True, idle_exit_s=1, meanwhile=lambda: started.append(house.job.state)).run()
    assert house.job.state is JobState.REPORTING
    assert started == [JobState.QUEUED]


def test_where_a_gpu_is_required_a_job_is_trained_once_the_process_has_proved_one() -> None:
    house = House()
    ScriptedBus(house, on_pull=lambda _: house.hands.advance(1))
    house.worker("ready succeed", require_gpu=True, idle_exit_s=1).run()
    assert house.job.state is JobState.REPORTING
    assert house.job.attempts == 1


@pytest.mark.parametrize(
    ("script", "said"),
    [("unfit succeed", "start the container with --gpus all"), ("die succeed", "ended with 9")],
)
@pytest.mark.parametrize("warm_child", [True, False])
def test_without_the_required_gpu_no_job_is_claimed_and_none_pays(script: str, said: str, warm_child: bool) -> None:
    house = House()
    before = house.job
    worker = house.worker(script, require_gpu=True, warm_child=warm_child)
    with pytest.raises(Unfit, match=said):
        worker.run()
    assert house.job == before
    assert house.waits()


def test_a_process_that_never_says_whether_it_has_a_gpu_is_given_up() -> None:
    house = House()
    with pytest.raises(Unfit, match="did not say within 300 s"):
        house.worker("succeed", require_gpu=True).run()
    assert house.waits()


class ForgetfulStore(MemoryJobStore):
    """Does something else before it answers."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def get(self, job_id: str) -> StoredJob:
        self.meanwhile()
        return super().get(job_id)


def test_a_gpu_lost_between_proof_and_job_costs_no_attempt_and_ends_the_worker() -> None:
    house = House(store=ForgetfulStore())
    scripts = iter(["ready succeed", "unfit succeed"])
    processes: list[TrainingProcess] = []

    def spawn() -> TrainingProcess:
        processes.append(house.start(next(scripts)))
        return processes[-1]

    def lose_the_gpu() -> None:
        processes[0].end()

    house.store.meanwhile = lose_the_gpu
    worker = replace(house.worker("", require_gpu=True), spawn=spawn)
    with pytest.raises(Unfit):
        worker.run()
    assert len(processes) == 2
    assert (house.job.state, house.job.attempts) == (JobState.TRAINING, 0)
    assert house.waits()


class ScriptedBus(MemoryEventBus):
    """Takes the place of a house's bus; counts how often it is asked, and does something else then."""

    def __init__(
        self, house: House, on_pull: Callable[[int], object] = lambda _: None, *, is_empty: bool = False
    ) -> None:
        super().__init__(clock=house.clock)
        self.num_pulls = 0
        self.on_pull = on_pull
        for event in () if is_empty else announcement(house.job, house.clock()):
            self.publish(event)
        house.bus = self

    def pull(self, *arguments: Any, **options: Any) -> list[Delivery]:
        deliveries = super().pull(*arguments, **options)
        self.num_pulls += 1
        self.on_pull(self.num_pulls)
        return deliveries


@pytest.mark.parametrize("is_reachable", [True, False])
def test_an_idle_worker_leaves_so_that_its_machine_can_be_given_back(*, is_reachable: bool) -> None:
    house = House()

    def wait(_: int) -> None:
        house.hands.advance(10)
        if not is_reachable:
            raise Transient("the bus does not answer")

    bus = ScriptedBus(house, wait, is_empty=True)
    house.worker("succeed", idle_exit_s=300).run()
    assert bus.num_pulls in (30, 31)


def test_a_worker_without_a_limit_stays() -> None:
    house = House()

    def wait(num_pulls: int) -> None:
        house.hands.advance(3600)
        if num_pulls == 100:
            worker.shutdown.set()

    bus = ScriptedBus(house, wait, is_empty=True)
    worker = house.worker("succeed")
    worker.run()
    assert bus.num_pulls == 100


def test_time_spent_on_a_job_is_not_idle_and_one_more_look_is_taken_before_leaving() -> None:
    house = House(budget_minutes=10)
    bus = ScriptedBus(house, lambda num_pulls: num_pulls == 2 and house.hands.advance(300))
    house.worker("finish_when_told", idle_exit_s=300).run()
    assert house.job.state is JobState.REPORTING
    assert bus.num_pulls == 2


def test_a_job_that_comes_when_the_worker_is_told_to_leave_is_left_to_another() -> None:
    house = House()
    ScriptedBus(house, lambda _: worker.shutdown.set())
    before = house.job
    worker = house.worker("succeed")
    worker.run()
    assert house.job == before


class StuckBus(ScriptedBus):
    """Holds a message no sooner than the test allows."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.allowed = threading.Event()
        self.num_asked = 0

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        self.num_asked += 1
        self.allowed.wait(PATIENCE_S)
        raise Transient("no answer for a long time")


class CountingHeartbeats(MemoryHeartbeatStore):
    """Does something when a worker has told how it fares so many times."""

    when_told: Callable[[int], object] = staticmethod(lambda _: None)
    num_told = 0

    def put(self, heartbeat: Heartbeat) -> None:
        super().put(heartbeat)
        self.num_told += 1
        self.when_told(self.num_told)


def test_a_bus_that_does_not_answer_costs_no_claim() -> None:
    house = House(heartbeats=CountingHeartbeats())
    bus = StuckBus(house)
    house.heartbeats.when_told = lambda num_told: num_told == 3 and house.cancel()
    try:
        house.worker("finish_when_told").work_once()
    finally:
        bus.allowed.set()
    assert house.job.state is JobState.CANCELLED
    assert bus.num_asked == 1


class HeartbeatsAway(MemoryHeartbeatStore):
    """Does not answer for five minutes."""

    house: House

    def put(self, heartbeat: Heartbeat) -> None:
        if is_away(self.house):
            raise Transient("the store of heartbeats does not answer")
        super().put(heartbeat)


class JobsAway(MemoryJobStore):
    """Likewise."""

    house: House | None = None

    def get(self, job_id: str) -> StoredJob:
        if self.house is not None and is_away(self.house):
            raise Transient("the store of jobs does not answer")
        return super().get(job_id)


def is_away(house: House) -> bool:
    return timedelta(0) < house.hands.now - NOW < timedelta(minutes=5)


@pytest.mark.parametrize("away", ["heartbeats", "store"])
def test_stores_that_are_away_for_longer_than_a_lease_cost_a_training_nothing(away: str) -> None:
    house = House(**{away: {"heartbeats": HeartbeatsAway, "store": JobsAway}[away]()}, budget_minutes=10)
    getattr(house, away).house = house
    house.worker("finish_when_told").work_once()
    assert (house.job.state, house.job.attempts) == (JobState.REPORTING, 1)
    assert house.job.artefacts == scripted_training.ARTEFACTS


def test_who_took_a_job_while_the_stores_were_away_keeps_it() -> None:
    house = House(store=JobsAway(), budget_minutes=10)

    def steal() -> None:
        taken = Claim(owner="another", fence=2, expires_at=house.clock() + timedelta(hours=1))
        house.change(claim=taken)
        house.store.house = house

    house.worker("finish_when_told", meanwhile=steal).work_once()
    assert house.hands.now - NOW >= timedelta(minutes=5)
    assert (house.job.claim.owner, house.job.state) == ("another", JobState.TRAINING)
