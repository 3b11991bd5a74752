import io
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import ConvtailorError, NotFound
from shared.job.claim import Claim
from shared.job.events import Event, EventType, Topic, job_queued
from shared.job.job import UPLOAD_GRACE, Job, JobState, Upload, advance
from shared.messaging.sweeper import Patience, SweepReport, sweep
from shared.ports.job_store import JobPage, StoredJob
from shared.ports.object_store import StoredObject
from tests.bus_fixture import Ground
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import NOW, archive_of, make_heartbeat, make_job

S = JobState
PATIENCE = timedelta(minutes=2)
NOTHING = SweepReport(num_expired=0, num_reminded=0, num_published=0)
ONE_REMINDER = SweepReport(num_expired=0, num_reminded=1, num_published=1)


@pytest.fixture
def ground() -> Ground:
    return Ground()


def swept(ground: Ground, *, queued: timedelta = PATIENCE) -> SweepReport:
    return sweep(
        ground.store,
        ground.objects,
        ground.bus,
        heartbeats=ground.heartbeats,
        now=ground.clock(),
        patience=Patience(usual=PATIENCE, queued=queued),
    )


def heard(ground: Ground) -> list[Event]:
    return [event for topic in Topic for event in ground.heard(topic)]


def upload(ground: Ground, job: Job) -> str:
    return ground.objects.put(job.upload.object_key, io.BytesIO(b"zip"), content_type="application/zip").generation


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (make_job(state=S.QUEUED), EventType.JOB_QUEUED),
        (make_job(state=S.TRAINING), EventType.JOB_QUEUED),
        (make_job(state=S.REPORTING), EventType.TRAINING_FINISHED),
        (make_job(state=S.REJECTED), EventType.JOB_REJECTED),
        (make_job(state=S.FAILED), EventType.JOB_FAILED),
        (make_job(state=S.CANCELLED, archive=archive_of()), EventType.JOB_CANCELLED),
    ],
    ids=lambda value: getattr(value, "state", ""),
)
def test_an_idle_job_is_announced_anew_after_patience(ground: Ground, job: Job, expected: EventType) -> None:
    ground.store.create(job)
    ground.clock.advance(119)
    assert swept(ground) == NOTHING
    ground.clock.advance(2)
    assert swept(ground) == ONE_REMINDER
    assert [(event.type, event.job_id) for event in heard(ground)] == [(expected, "job-1")]
    assert ground.store.get("job-1").job.state is job.state


@pytest.mark.parametrize(
    "job",
    [
        make_job(state=S.DONE, mailed_at=NOW),
        make_job(state=S.REJECTED, mailed_at=NOW),
        make_job(state=S.FAILED, mailed_at=NOW),
        make_job(state=S.CANCELLED),
        make_job(state=S.EXPIRED),
    ],
    ids=lambda job: job.state,
)
def test_a_job_with_nothing_left_to_be_done_is_left_in_peace(ground: Ground, job: Job) -> None:
    kept = ground.store.create(job)
    ground.clock.advance(1e6)
    assert swept(ground) == NOTHING
    assert ground.store.get(job.job_id) == kept, "else a sweep would write every job there ever was"


@pytest.mark.parametrize(("state", "field"), [(S.TRAINING, "claim"), (S.REPORTING, "report_claim")])
def test_a_job_at_work_is_idle_only_once_its_claim_has_run_out(ground: Ground, state: JobState, field: str) -> None:
    claim = Claim(owner="worker", fence=1, expires_at=NOW + timedelta(hours=1))
    ground.store.create(make_job(state=state, **{field: claim}))
    ground.clock.advance(3600 + 119)
    assert swept(ground) == NOTHING
    ground.clock.advance(2)
    assert swept(ground) == ONE_REMINDER


def test_a_job_whose_trainer_tells_how_it_fares_is_not_idle_however_long_it_takes(ground: Ground) -> None:
    claim = Claim(owner="worker", fence=2, expires_at=NOW + timedelta(seconds=30))
    ground.store.create(make_job(state=S.TRAINING, claim=claim))
    ground.clock.advance(3600)
    last = make_heartbeat(2, expires_at=ground.clock() + timedelta(seconds=30))
    ground.heartbeats.put(last)
    ground.clock.advance(30 + 119)
    assert swept(ground) == NOTHING
    ground.clock.advance(2)
    assert swept(ground) == ONE_REMINDER
    assert ground.store.get("job-1").job.claim == claim, "the sweeper reminds, and writes nothing a worker told"


def test_a_zombie_that_goes_on_telling_does_not_keep_a_lost_job_from_being_announced(ground: Ground) -> None:
    claim = Claim(owner="successor", fence=3, expires_at=NOW + timedelta(seconds=30))
    ground.store.create(make_job(state=S.TRAINING, claim=claim))
    ground.clock.advance(30 + 121)
    ground.heartbeats.put(make_heartbeat(2, expires_at=ground.clock() + timedelta(seconds=30)))
    assert swept(ground) == ONE_REMINDER


def test_an_upload_whose_message_was_lost_is_found(ground: Ground) -> None:
    job = make_job()
    ground.store.create(job)
    ground.clock.advance(3600)
    generation = upload(ground, job)
    ground.clock.advance(119)
    assert swept(ground) == NOTHING, "the message may still be on its way"
    ground.clock.advance(2)
    assert swept(ground) == ONE_REMINDER
    (event,) = heard(ground)
    assert (event.type, event.object_key) == (EventType.ARCHIVE_UPLOADED, job.upload.object_key)
    assert event.generation == generation


def test_an_archive_on_a_slow_line_that_set_off_in_time_arrives_though_its_address_has_expired(ground: Ground) -> None:
    job = make_job()
    ground.store.create(job)
    ground.clock.advance((job.upload.expires_at - NOW).total_seconds() + 50 * 60)
    assert swept(ground) == NOTHING
    upload(ground, job)
    ground.clock.advance(PATIENCE.total_seconds() + 1)
    assert swept(ground) == ONE_REMINDER
    assert [event.type for event in heard(ground)] == [EventType.ARCHIVE_UPLOADED]


def test_an_upload_that_never_came_expires(ground: Ground) -> None:
    job = make_job()
    ground.store.create(job)
    until = job.upload.expires_at + UPLOAD_GRACE - NOW
    ground.clock.advance(until.total_seconds() - 1)
    assert swept(ground) == NOTHING, "an upload begun in time may still be running"
    ground.clock.advance(1)
    assert swept(ground) == SweepReport(num_expired=1, num_reminded=0, num_published=0)
    expired = ground.store.get("job-1").job
    assert (expired.state, expired.updated_at) == (S.EXPIRED, ground.clock())
    assert heard(ground) == []


def test_all_that_a_sweep_did_is_counted_over_pages_and_states(ground: Ground) -> None:
    for number in range(201):
        ground.store.create(make_job(f"empty-{number}"))
    for state in (S.QUEUED, S.TRAINING, S.REPORTING):
        ground.store.create(make_job(f"idle-{state}", state=state))
    ground.clock.advance(1e6)
    assert swept(ground) == SweepReport(num_expired=201, num_reminded=3, num_published=3)


def test_who_waits_for_a_trainer_is_announced_anew_after_a_patience_of_its_own(ground: Ground) -> None:
    for state in (S.QUEUED, S.TRAINING):
        ground.store.create(make_job(f"job-{state}", state=state))
    told = []
    for minutes in (3, 57, 2):
        ground.clock.advance(minutes * 60)
        swept(ground, queued=timedelta(hours=1))
        told.append(sorted(event.job_id for event in heard(ground)))
    assert told == [["job-training"], ["job-queued", "job-training"], []]


def test_photographs_whose_address_nobody_confirmed_go_when_the_time_for_it_is_over(ground: Ground) -> None:
    job = make_job(confirm_by=NOW + timedelta(hours=1), confirmation_mailed_at=NOW)
    ground.store.create(job)
    upload(ground, job)
    ground.clock.advance(3600)
    assert swept(ground).num_expired == 1
    with pytest.raises(NotFound):
        ground.objects.stat(job.upload.object_key)


def test_photographs_confirmed_in_time_stay_and_are_announced_from_the_click_on(ground: Ground) -> None:
    job = make_job(confirm_by=NOW + timedelta(hours=1), confirmation_mailed_at=NOW)
    kept = ground.store.create(job)
    upload(ground, job)
    ground.clock.advance(3590)
    assert swept(ground) == NOTHING
    assert ground.store.get("job-1") == kept, "nothing is written where only a click is waited for"
    ground.store.replace(kept, replace(job, confirmed_at=ground.clock()))
    ground.clock.advance(119)
    assert swept(ground) == NOTHING, "the click announced it"
    ground.clock.advance(1)
    assert swept(ground) == ONE_REMINDER
    assert [event.type for event in heard(ground)] == [EventType.ARCHIVE_UPLOADED]
    assert ground.objects.stat(job.upload.object_key)


@pytest.mark.parametrize("size_bytes", [10**9, None], ids=["as declared", "up to the cap"])
def test_a_gigabyte_on_a_line_of_a_megabit_arrives_though_it_set_off_in_the_last_minute(
    ground: Ground, size_bytes: int | None
) -> None:
    ends = NOW + timedelta(hours=1)
    upload_to = Upload(object_key="uploads/job-1/archive.zip", max_bytes=10**9, expires_at=ends, size_bytes=size_bytes)
    job = make_job(upload=upload_to)
    ground.store.create(job)
    ground.clock.advance(3600 + 8 * 10**9 / 10**6)
    assert swept(ground) == NOTHING
    upload(ground, job)
    ground.clock.advance(PATIENCE.total_seconds() + 1)
    assert swept(ground) == ONE_REMINDER


def test_a_job_whose_large_upload_never_came_expires_all_the_same(ground: Ground) -> None:
    ends = NOW + timedelta(hours=1)
    upload_to = Upload(object_key="uploads/job-1/archive.zip", max_bytes=10**10, expires_at=ends, size_bytes=10**9)
    ground.store.create(make_job(upload=upload_to))
    ground.clock.advance(3600 + 10**9 / 62_500 - 1)
    assert swept(ground) == NOTHING
    ground.clock.advance(1)
    assert swept(ground).num_expired == 1


def test_an_upload_that_came_late_does_not_expire(ground: Ground) -> None:
    job = make_job()
    ground.store.create(job)
    ground.clock.advance(1e6)
    upload(ground, job)
    ground.clock.advance(121)
    assert swept(ground) == ONE_REMINDER
    assert ground.store.get("job-1").job.state is S.AWAITING_UPLOAD


def test_sweeping_often_for_days_piles_up_a_handful_of_messages(ground: Ground) -> None:
    ground.store.create(make_job(state=S.QUEUED))
    told_after_min = []
    for minute in range(3 * 24 * 60):
        if swept(ground).num_reminded:
            told_after_min.append(minute)
        ground.clock.advance(60)
    assert told_after_min == [3, 6, 12, 24, 48, 96, 192, 384, 768, 1536, 3072]


def test_patience_begins_anew_when_the_job_moves_on(ground: Ground) -> None:
    ground.store.create(make_job(state=S.QUEUED))
    for _ in range(600):
        ground.clock.advance(60)
        swept(ground)
    stored = ground.store.get("job-1")
    training = advance(stored.job, S.TRAINING, ground.clock())
    stored = ground.store.replace(stored, training)
    ground.store.replace(stored, advance(training, S.REPORTING, ground.clock()))
    ground.clock.advance(121)
    assert swept(ground).num_reminded == 1


def test_events_that_were_recorded_but_not_published_are_published(ground: Ground) -> None:
    ground.store.create(make_job(state=S.QUEUED), [job_queued("job-1", NOW)])
    assert swept(ground) == SweepReport(num_expired=0, num_reminded=0, num_published=1)
    assert len(heard(ground)) == 1


def test_a_reminder_that_the_bus_refuses_is_not_lost(ground: Ground) -> None:
    ground.store.create(make_job(state=S.QUEUED))
    ground.clock.advance(121)
    ground.bus.num_refusals = 1
    assert swept(ground) == SweepReport(num_expired=0, num_reminded=1, num_published=0)
    assert swept(ground) == SweepReport(num_expired=0, num_reminded=0, num_published=1)
    assert len(heard(ground)) == 1


def test_of_two_sweeps_at_once_one_reminds(ground: Ground) -> None:
    ground.store.create(make_job("job-1", state=S.QUEUED))
    ground.clock.advance(121)
    reports = []

    class Rival(MemoryJobStore):
        """A store in which another sweeper is faster between reading and writing."""

        def find(self, states, **choice) -> list:
            found = super().find(states, **choice)
            if found.jobs and not reports:
                reports.append(None)
                reports[0] = swept(ground)
            return found

    rival = Rival()
    rival.__dict__.update(ground.store.__dict__)
    ground.store = rival
    reports.append(swept(ground))
    assert [report.num_reminded for report in reports] == [1, 0]
    assert len(heard(ground)) == 1


def test_an_archive_whose_announcement_was_lost_is_found_behind_any_number_of_empty_jobs(ground: Ground) -> None:
    for number in range(2500):
        ground.store.create(make_job(f"empty-{number}"))
    ground.clock.advance(1)
    waiting = make_job("waiting", updated_at=ground.clock())
    ground.store.create(waiting)
    upload(ground, waiting)
    ground.clock.advance(121)
    assert swept(ground) == ONE_REMINDER
    assert [event.job_id for event in heard(ground)] == ["waiting"]


def test_no_more_than_a_page_of_jobs_is_held_however_many_there_are() -> None:
    class Watched(MemoryJobStore):
        longest = 0

        def find(self, states, **choice) -> JobPage:
            page = super().find(states, **choice)
            self.longest = max(self.longest, len(page.jobs))
            return page

    ground = Ground()
    ground.store = Watched()
    for number in range(1000):
        ground.store.create(make_job(f"job-{number}", state=S.QUEUED))
    ground.clock.advance(121)
    assert swept(ground).num_reminded == 1000
    assert ground.store.longest <= 200
    assert len(heard(ground)) == 1000


def test_jobs_that_somebody_waits_for_come_before_empty_ones(ground: Ground) -> None:
    """A sweep that breaks off, as a request does after some minutes, must have done what matters."""

    class BreaksOff(MemoryObjectStore):
        def stat(self, key: str) -> StoredObject:
            raise KeyboardInterrupt

    ground.objects = BreaksOff(signer=ground.signer, clock=ground.clock)
    ground.store.create(make_job("empty", updated_at=NOW - timedelta(days=1)))
    ground.store.create(make_job("waiting", state=S.QUEUED))
    ground.clock.advance(121)
    with pytest.raises(KeyboardInterrupt):
        swept(ground)
    assert [event.job_id for event in heard(ground)] == ["waiting"]


def test_a_job_that_cannot_be_read_stops_no_other(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    for job_id in ("a", "damaged", "z"):
        ground.store.create(make_job(job_id, state=S.QUEUED))
    ground.store.spoil_job("damaged")
    ground.clock.advance(121)
    assert swept(ground).num_reminded == 2
    assert {event.job_id for event in heard(ground)} == {"a", "z"}, "in whichever order: none is promised"
    assert "damaged" in caplog.text


def test_a_job_that_cannot_be_swept_stops_no_other_and_is_named(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(MemoryJobStore):
        def replace(self, stored, job, events=()) -> StoredJob:
            if job.job_id == "refused":
                raise ConvtailorError("invalid argument")
            return super().replace(stored, job, events)

    ground.store = Refusing()
    for job_id in ("a", "refused", "z"):
        ground.store.create(make_job(job_id, state=S.QUEUED))
    ground.clock.advance(121)
    assert swept(ground).num_reminded == 2
    assert [record.job_id for record in caplog.records if record.levelname == "WARNING"] == ["refused"]


def test_many_mails_that_cannot_be_sent_hide_no_other_job(ground: Ground) -> None:
    for number in range(1001):
        ground.store.create(make_job(f"bounced-{number}", state=S.FAILED))
    ground.clock.advance(1)
    ground.store.create(make_job("waiting", state=S.QUEUED, updated_at=ground.clock()))
    ground.clock.advance(121)
    swept(ground)
    assert [event.job_id for event in ground.heard(Topic.JOBS)] == ["waiting"]
