"""What is kept of a job goes when its time has come, whatever else goes wrong, and nothing goes before."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.intake.events.expiry import Expiry, Keeper
from shared.errors import Fault, NotFound, Transient
from shared.job.job import Artefacts, Job, JobState
from shared.job.options import JobOptions
from shared.job.retention import KEEP_ENDED, Retention, forgotten, retention_of
from shared.layout import archive_key, ledger_key, report_key
from shared.ports.job_store import JobPage
from shared.settings import Settings
from tests.bus_fixture import Ground
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import NOW, archive_of, full_job, make_heartbeat, make_job

S = JobState
DAY = timedelta(days=1)
FAULT = Fault(code="class_too_small", message="Ada/ has 3.", fix="Add.", details={"files": ["ada/1.jpg"]})


@pytest.fixture
def ground() -> Ground:
    return Ground()


def keeper(ground: Ground, **retention: timedelta) -> Keeper:
    return Keeper(
        store=ground.store,
        heartbeats=ground.heartbeats,
        objects=ground.objects,
        retention=Retention(**retention),
    )


def keep(ground: Ground, job: Job) -> Job:
    """Keep a job with an archive, a report and a page of its ledger."""
    ground.store.create(job)
    for key in (archive_key(job.job_id), report_key(job.job_id), f"{ledger_key(job.job_id, 1, 'screen/tiny')}.json"):
        ground.objects.put(key, io.BytesIO(b"bytes"), content_type="a/b")
    return job


def ended(job_id: str = "job-1", state: JobState = S.DONE, **changes: object) -> Job:
    fields = {"mailed_at": NOW, "archive": archive_of(job_id), **changes}
    return make_job(job_id, state, **fields)


def keys(ground: Ground) -> list[str]:
    return [stored.key for stored in ground.objects.list("")]


def archives(ground: Ground) -> list[str]:
    return [stored.key for stored in ground.objects.list("uploads/")]


@pytest.mark.parametrize("state", [S.REPORTING, S.DONE, S.REJECTED, S.FAILED, S.CANCELLED, S.EXPIRED])
def test_photographs_go_with_the_end_of_their_job_however_it_ends(ground: Ground, state: JobState) -> None:
    archive = None if state in (S.REJECTED, S.EXPIRED) else archive_of()
    keep(ground, ended(state=state, archive=archive))
    assert keeper(ground).expire(NOW) == Expiry(num_archives=1)
    assert archives(ground) == []
    assert report_key("job-1") in keys(ground), "which is kept for longer"
    assert keeper(ground).expire(NOW) == Expiry()


@pytest.mark.parametrize("state", [S.AWAITING_UPLOAD, S.QUEUED, S.TRAINING])
def test_photographs_that_somebody_may_still_train_on_stay_however_long_it_takes(
    ground: Ground, state: JobState
) -> None:
    keep(ground, make_job(state=state))
    assert keeper(ground).expire(NOW + 400 * DAY, is_thorough=True) == Expiry()
    assert len(keys(ground)) == 3


def test_an_operator_may_keep_photographs_for_longer_but_not_beyond_the_network(ground: Ground) -> None:
    keep(ground, ended())
    kind = {"artefacts": 10 * DAY, "archives": 3 * DAY}
    assert keeper(ground, **kind).expire(NOW + 3 * DAY - timedelta(seconds=1)) == Expiry()
    assert keeper(ground, **kind).expire(NOW + 3 * DAY).num_archives == 1
    keep(ground, ended("job-2"))
    assert Retention(artefacts=DAY, archives=3 * DAY).archive_until(ended("job-2")) == NOW + DAY


def test_photographs_stay_for_as_long_as_their_person_asks_and_the_operator_allows(ground: Ground) -> None:
    keep(ground, ended(options=JobOptions(keep_photos_days=7)))
    assert keeper(ground).expire(NOW + 7 * DAY - timedelta(seconds=1)) == Expiry(), "else nothing can be trained again"
    assert keeper(ground).expire(NOW + 7 * DAY).num_archives == 1, "and no longer than was told"
    asks = ended(options=JobOptions(keep_photos_days=365))
    assert Retention(most_archives=3 * DAY).archive_until(asks) == NOW + 3 * DAY
    assert Retention(most_archives=timedelta(0)).archive_until(asks) == NOW
    assert Retention(most_archives=timedelta(0), archives=2 * DAY).archive_until(asks) == NOW + 2 * DAY
    assert Retention(artefacts=DAY).archive_until(asks) == NOW + DAY, "nothing could be trained anew by then"


def test_networks_reports_and_the_address_go_after_thirty_days_and_the_end_stays(ground: Ground) -> None:
    kept = keep(ground, replace(ended(state=S.FAILED, fault=FAULT), artefacts=Artefacts(report=report_key("job-1"))))
    ground.heartbeats.put(make_heartbeat(1))
    keeper(ground).expire(NOW)
    assert keeper(ground).expire(NOW + 30 * DAY) == Expiry()
    after = NOW + 30 * DAY + timedelta(seconds=1)
    assert keeper(ground).expire(after) == Expiry(num_forgotten=1)
    assert keys(ground) == []
    assert ground.heartbeats.get("job-1", 1) is None
    job = ground.store.get("job-1").job
    assert (job.state, job.updated_at, job.archive, job.token_hash) == (
        S.FAILED,
        kept.updated_at,
        kept.archive,
        kept.token_hash,
    )
    assert (job.email, job.artefacts, job.forgotten_at) == ("", Artefacts(), after)
    assert job.fault is not None
    assert (job.fault.code, job.fault.details) == ("class_too_small", {})
    assert "Ada" not in job.fault.message
    assert keeper(ground).expire(after, is_thorough=True) == Expiry(), "once is enough"


def test_of_a_forgotten_job_nothing_is_left_that_tells_of_the_person() -> None:
    refused = Fault(code="mail_refused", message="550 of ada@example.org", fix="Fetch the report.")
    job = replace(full_job(), charged_to="payer", mail_fault=refused)
    left = forgotten(job, NOW)
    for secret in (job.email, "é/1.jpg", "worker-ä", "because", "Es fehlt Speicher", "reporter", "payer", "550"):
        assert secret in repr(job)
        assert secret not in repr(left)
    assert (left.progress, left.trials, left.forgotten_at) == (None, (), NOW)
    assert left.mail_fault is not None
    assert left.mail_fault.code == "mail_refused", "the operator still sees why it was not sent"


def test_what_the_operator_sets_is_kept_for_as_long_and_no_longer() -> None:
    chosen = retention_of(Settings(artefact_days=20, archive_days=3, most_archive_days=7))
    assert chosen == Retention(artefacts=20 * DAY, archives=3 * DAY, most_archives=7 * DAY)


def test_a_job_that_still_owes_its_mail_is_not_forgotten(ground: Ground) -> None:
    keep(ground, ended(state=S.FAILED, mailed_at=None))
    assert keeper(ground).expire(NOW + 31 * DAY, is_thorough=True).num_forgotten == 0
    assert ground.store.get("job-1").job.email == "ada@example.org"


def test_jobs_that_nothing_was_ever_uploaded_for_are_forgotten_too(ground: Ground) -> None:
    ground.store.create(make_job(state=S.EXPIRED))
    assert keeper(ground).expire(NOW + 30.5 * DAY) == Expiry(num_forgotten=1)
    assert ground.store.get("job-1").job.email == ""


def test_after_an_outage_of_weeks_or_for_a_shorter_time_the_pass_of_sunday_night_finds_every_job(
    ground: Ground,
) -> None:
    keep(ground, ended())
    sunday = datetime(2026, 5, 3, 3, 17, tzinfo=UTC)
    for usual in (sunday - DAY, sunday - timedelta(hours=1), sunday + timedelta(hours=1)):
        assert keeper(ground).expire(usual).num_forgotten == 0, "a usual pass looks at the last day alone"
    assert keeper(ground).expire(sunday).num_forgotten == 1


def test_the_record_itself_goes_after_a_year(ground: Ground) -> None:
    ground.store.create(forgotten(ended(), NOW + 30 * DAY))
    assert keeper(ground).expire(NOW + KEEP_ENDED - timedelta(seconds=1), is_thorough=True) == Expiry()
    assert keeper(ground).expire(NOW + KEEP_ENDED, is_thorough=True) == Expiry(num_records=1)
    with pytest.raises(NotFound):
        ground.store.get("job-1")


@pytest.mark.parametrize("knows", ["nobody", "a forgotten job"])
def test_what_a_zombie_wrote_after_its_job_was_forgotten_goes_too(ground: Ground, knows: str) -> None:
    keep(ground, ended())
    if knows == "nobody":
        ground.store.delete("job-1")
    else:
        stored = ground.store.get("job-1")
        ground.store.replace(stored, forgotten(stored.job, NOW))
    fresh = keeper(ground).expire(NOW + timedelta(hours=1), is_thorough=True)
    assert fresh.num_strays == 0, "the job may be in the making"
    assert keeper(ground).expire(NOW + 2 * DAY, is_thorough=True).num_strays == 1
    assert keys(ground) == []


def test_one_job_that_cannot_be_deleted_stops_no_other(ground: Ground) -> None:
    class Stubborn(MemoryObjectStore):
        def delete(self, key: str) -> None:
            if "/stuck/" in key:
                raise Transient("locked")
            super().delete(key)

    ground.objects = Stubborn(signer=ground.signer, clock=ground.clock)
    for job_id in ("a", "stuck", "z"):
        keep(ground, ended(job_id))
    keeper(ground).expire(NOW + 31 * DAY, is_thorough=True)
    assert {key.split("/")[1] for key in keys(ground)} == {"stuck"}
    assert ground.store.get("stuck").job.email == "ada@example.org", "it is found again"
    assert ground.store.get("z").job.email == ""


def test_a_pass_that_breaks_off_is_finished_by_the_next(ground: Ground) -> None:
    class BreaksOff(MemoryObjectStore):
        left = 2

        def delete(self, key: str) -> None:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            super().delete(key)

    objects = ground.objects = BreaksOff(signer=ground.signer, clock=ground.clock)
    keep(ground, ended())
    after = NOW + 31 * DAY
    with pytest.raises(KeyboardInterrupt):
        keeper(ground).expire(after, is_thorough=True)
    assert ground.store.get("job-1").job.forgotten_at is None
    objects.left = 100
    keeper(ground).expire(after, is_thorough=True)
    assert keys(ground) == []
    assert ground.store.get("job-1").job.forgotten_at == after


def test_what_is_not_ours_is_left_alone(ground: Ground) -> None:
    for key in ("uploads", "uploads/", "weights/model.h5"):
        if not key.endswith("/"):
            ground.objects.put(key, io.BytesIO(b"x"), content_type="a/b")
    keeper(ground).expire(NOW + 400 * DAY, is_thorough=True)
    assert keys(ground) == ["uploads", "weights/model.h5"]


def test_usual_passes_read_no_job_whose_photographs_are_gone_and_whose_time_has_not_come(ground: Ground) -> None:
    for number in range(50):
        ground.store.create(ended(f"job-{number}"))
        ground.objects.put(report_key(f"job-{number}"), io.BytesIO(b"x"), content_type="a/b")
    reads: list[str] = []
    get = ground.store.get

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(ground.store, name)

        def get(self, job_id: str) -> object:
            reads.append(job_id)
            return get(job_id)

    replace(keeper(ground), store=Counting()).expire(NOW + 10 * DAY)
    assert reads == []


def test_no_more_than_a_page_of_jobs_is_held_however_many_are_due(ground: Ground) -> None:
    class Watched(MemoryJobStore):
        longest = 0

        def find(self, states, **choice) -> JobPage:
            page = super().find(states, **choice)
            self.longest = max(self.longest, len(page.jobs))
            return page

    ground.store = Watched()
    for number in range(1000):
        ground.store.create(ended(f"job-{number}"))
    assert keeper(ground).expire(NOW + 31 * DAY, is_thorough=True).num_forgotten == 1000
    assert ground.store.longest <= 200
