"""What every JobStore has to do; a back-end's test subclasses this and provides the fixture ``store``."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Conflict, NotFound, Unreadable
from shared.job.claim import take
from shared.job.events import Event, job_queued
from shared.job.job import JobState, advance
from shared.ports.job_store import JobPage, JobStore, StoredJob, pages
from tests.job_fixture import NOW, full_job, make_job


def event_of(job_id: str) -> Event:
    return job_queued(job_id, NOW)


def ids(page: JobPage) -> list[str]:
    return [stored.job.job_id for stored in page.jobs]


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the operator's alarm for unreadable data would hear."""
    return [each.message for each in caplog.records if (each.name, each.levelname) == ("shared.job.stored", "ERROR")]


class JobStoreContract:
    def spoil_job(self, store: JobStore, job_id: str) -> None:
        """Make a job unreadable, as damage would."""
        raise NotImplementedError

    def spoil_event(self, store: JobStore, event_id: str, data: bytes) -> None:
        """Put these bytes in the place of a recorded event."""
        raise NotImplementedError

    def set_aside(self, store: JobStore) -> list[bytes]:
        """Return what was set aside because it could not be read."""
        raise NotImplementedError

    def test_a_job_comes_back_as_it_was_written(self, store: JobStore) -> None:
        created = store.create(full_job())
        assert created.job == full_job()
        assert store.get("job-full") == created

    def test_an_id_is_taken_once(self, store: JobStore) -> None:
        store.create(make_job())
        with pytest.raises(Conflict, match="job-1"):
            store.create(make_job(email="eve@example.org"), [event_of("job-1")])
        assert store.get("job-1").job.email == "ada@example.org"
        assert store.pending_events() == []

    def test_a_missing_job_is_not_found(self, store: JobStore) -> None:
        with pytest.raises(NotFound, match="nobody"):
            store.get("nobody")
        with pytest.raises(NotFound, match="nobody"):
            store.replace(StoredJob(job=make_job("nobody"), revision="1"), make_job("nobody"), [event_of("nobody")])
        assert store.pending_events() == []

    def test_replacing_writes_the_new_value_under_a_new_revision(self, store: JobStore) -> None:
        before = store.create(make_job())
        after = store.replace(before, advance(before.job, JobState.QUEUED, NOW))
        assert store.get("job-1") == after
        assert after.job.state is JobState.QUEUED
        assert after.revision != before.revision

    def test_only_a_write_changes_the_revision(self, store: JobStore) -> None:
        store.create(make_job())
        first = store.get("job-1")
        store.create(make_job("job-2"))
        store.find([JobState.AWAITING_UPLOAD], updated_before=NOW + timedelta(days=1))
        assert store.get("job-1").revision == first.revision
        assert store.replace(first, first.job).revision != first.revision

    def test_a_stale_write_changes_nothing_and_records_nothing(self, store: JobStore) -> None:
        stale = store.create(make_job())
        current = store.replace(stale, replace(stale.job, attempts=1))
        with pytest.raises(Conflict, match="job-1"):
            store.replace(stale, replace(stale.job, attempts=9), [event_of("job-1")])
        assert store.get("job-1") == current
        assert store.pending_events() == []

    def test_a_job_keeps_its_id(self, store: JobStore) -> None:
        stored = store.create(make_job())
        with pytest.raises(ValueError, match="job-2"):
            store.replace(stored, make_job("job-2"))

    def test_events_are_recorded_with_the_change_and_stay_until_settled(self, store: JobStore) -> None:
        first, second, third = (event_of("job-1") for _ in range(3))
        stored = store.create(make_job(), [first])
        store.replace(stored, advance(stored.job, JobState.QUEUED, NOW), [second, third])
        assert store.pending_events() == [first, second, third]
        assert store.pending_events(limit=2) == [first, second]
        store.settle_events([first.event_id, "unknown", third.event_id])
        assert store.pending_events() == [second]
        store.settle_events([second.event_id, second.event_id])
        store.settle_events([])
        assert store.pending_events() == []

    def test_find_returns_the_oldest_of_the_states_first(self, store: JobStore) -> None:
        ages = {"new": 0, "oldest": 90, "old": 30, "micro": 0.000001}
        for job_id, seconds in ages.items():
            store.create(make_job(job_id, JobState.QUEUED, updated_at=NOW - timedelta(seconds=seconds)))
        store.create(make_job("other", JobState.TRAINING, updated_at=NOW - timedelta(days=1)))

        def found(**choice: object) -> list[str]:
            return ids(store.find([JobState.QUEUED], **{"updated_before": NOW, **choice}))

        assert found() == ["oldest", "old", "micro"], "strictly earlier, by age"
        assert found(limit=1) == ["oldest"]
        assert found(updated_before=NOW - timedelta(seconds=30)) == ["oldest"]
        both = store.find({JobState.QUEUED, JobState.TRAINING}, updated_before=NOW)
        assert ids(both) == ["other", "oldest", "old", "micro"]
        assert store.find([], updated_before=NOW) == JobPage(jobs=(), end=None)
        store.create(make_job("settled", JobState.REJECTED, updated_at=NOW - timedelta(seconds=60), mailed_at=NOW))
        ended_too = store.find({JobState.QUEUED, JobState.REJECTED}, updated_before=NOW)
        assert ids(ended_too) == ["oldest", "settled", "old", "micro"]

    @pytest.mark.parametrize("page_size", [1, 2, 5, 100])
    def test_page_after_page_shows_every_job_once_by_age_and_then_by_id(self, store: JobStore, page_size: int) -> None:
        ages = {"a": 5, "c": 2, "b": 2, "d": 2, "f": 2, "e": 2, "g": 0.000001, "h": 0.000002}
        for job_id, seconds in ages.items():
            store.create(make_job(job_id, JobState.QUEUED, updated_at=NOW - timedelta(seconds=seconds)))
        shown = list(pages(store, [JobState.QUEUED], updated_before=NOW, page_size=page_size))
        assert [job_id for page in shown for job_id in ids(page)] == list("abcdefhg")
        assert all(len(page.jobs) <= page_size for page in shown)

    def test_a_listing_may_begin_at_a_moment(self, store: JobStore) -> None:
        for number in range(5):
            at = NOW - timedelta(hours=number)
            store.create(make_job(f"{'0af9z'[number]}{number}", JobState.QUEUED, updated_at=at))
        since = NOW - timedelta(hours=2)
        shown = pages(store, [JobState.QUEUED], updated_before=NOW, updated_from=since, page_size=1)
        assert [stored.job.job_id for page in shown for stored in page.jobs] == ["f2", "a1"]

    def test_a_job_that_moves_on_between_two_pages_hides_no_other(self, store: JobStore) -> None:
        for job_id in "abcd":
            store.create(make_job(job_id, JobState.QUEUED))
        after = NOW + timedelta(seconds=1)
        first = store.find([JobState.QUEUED], updated_before=after, limit=2)
        store.replace(first.jobs[1], advance(first.jobs[1].job, JobState.CANCELLED, after))
        store.delete("a")
        assert ids(store.find([JobState.QUEUED], updated_before=after, after=first.end, limit=2)) == ["c", "d"]

    def test_a_job_that_cannot_be_read_is_named_and_stops_no_listing(
        self, store: JobStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        for job_id in "abcd":
            store.create(make_job(job_id, JobState.QUEUED))
        for job_id in "bd":
            self.spoil_job(store, job_id)
        shown = list(pages(store, [JobState.QUEUED], updated_before=NOW + timedelta(seconds=1), page_size=2))
        assert [ids(page) for page in shown if page.jobs] == [["a"], ["c"]]
        assert [job_id for page in shown for job_id in page.unreadable] == ["b", "d"]
        with pytest.raises(Unreadable, match="job b"):
            store.get("b")
        assert alarms(caplog)
        assert "ada@example.org" not in caplog.text
        store.delete("b")
        with pytest.raises(NotFound):
            store.get("b")

    @pytest.mark.parametrize(
        "data", [b"", b"{}", b'{"version":2}', b"[" * 100_000], ids=["empty", "bare", "new", "deep"]
    )
    def test_an_event_that_cannot_be_read_is_set_aside_and_stops_no_other(
        self, store: JobStore, data: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        damaged = [event_of("job-1") for _ in range(3)]
        sound = event_of("job-1")
        store.create(make_job(), [*damaged, sound])
        for event in damaged:
            self.spoil_event(store, event.event_id, data)
        assert store.pending_events(limit=2) == [sound]
        assert self.set_aside(store) == [data] * 3
        assert len(alarms(caplog)) == 3
        store.settle_events([sound.event_id])
        assert store.pending_events() == []
        assert len(alarms(caplog)) == 3

    def test_a_job_can_be_deleted_though_an_event_cannot_be_read(self, store: JobStore) -> None:
        damaged, own, other = event_of("job-1"), event_of("job-1"), event_of("job-2")
        store.create(make_job(), [damaged, own])
        store.create(make_job("job-2"), [other])
        self.spoil_event(store, damaged.event_id, b"?")
        store.delete("job-1")
        assert store.pending_events() == [other]

    def test_what_find_returns_can_be_written_over(self, store: JobStore) -> None:
        store.create(make_job())
        (found,) = store.find([JobState.AWAITING_UPLOAD], updated_before=NOW + timedelta(seconds=1)).jobs
        assert store.replace(found, advance(found.job, JobState.EXPIRED, NOW)).job.state is JobState.EXPIRED

    def test_find_can_leave_out_jobs_with_nothing_left_to_be_done(self, store: JobStore) -> None:
        store.create(make_job("mailed", JobState.REJECTED, mailed_at=NOW))
        owing = store.create(make_job("owing", JobState.REJECTED))
        after = NOW + timedelta(seconds=1)
        open_jobs = store.find([JobState.REJECTED], updated_before=after, open_only=True)
        assert ids(open_jobs) == ["owing"]
        store.replace(owing, replace(owing.job, mailed_at=NOW))
        assert ids(store.find([JobState.REJECTED], updated_before=after, open_only=True)) == []
        assert len(store.find([JobState.REJECTED], updated_before=after).jobs) == 2

    def test_a_deleted_job_is_gone_with_its_events(self, store: JobStore) -> None:
        kept = event_of("job-2")
        stored = store.create(make_job(), [event_of("job-1"), event_of("job-1")])
        store.create(make_job("job-2"), [kept])
        store.delete("job-1")
        with pytest.raises(NotFound, match="job-1"):
            store.get("job-1")
        with pytest.raises(NotFound, match="job-1"):
            store.replace(stored, advance(stored.job, JobState.QUEUED, NOW), [event_of("job-1")])
        found = store.find(list(JobState), updated_before=NOW + timedelta(days=1))
        assert ids(found) == ["job-2"]
        assert store.pending_events() == [kept]
        store.delete("job-1")
        store.delete("no/such/../job")

    def test_a_deleted_id_can_be_taken_again(self, store: JobStore) -> None:
        former = store.create(make_job())
        store.delete("job-1")
        created = store.create(make_job(email="eve@example.org"))
        with pytest.raises(Conflict, match="job-1"):
            store.replace(former, former.job)
        assert store.get("job-1") == created

    @pytest.mark.parametrize("job_id", ["", ".", "..", "a/b", "__x__", "job-1/pieces/0", "ü", "x" * 3000])
    def test_any_text_may_be_asked_for(self, store: JobStore, job_id: str) -> None:
        with pytest.raises(NotFound):
            store.get(job_id)

    def test_of_twenty_claimants_one_wins(self, store: JobStore) -> None:
        store.create(make_job("wanted", JobState.QUEUED))
        read = [store.get("wanted") for _ in range(20)]

        def claim(number: int) -> bool:
            stored = read[number]
            mine = take(stored.job.claim, owner=f"worker-{number}", now=NOW, lease=timedelta(seconds=30))
            try:
                store.replace(stored, advance(stored.job, JobState.TRAINING, NOW, claim=mine), [event_of("wanted")])
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            wins = list(pool.map(claim, range(20)))
        assert sum(wins) == 1
        assert store.get("wanted").job.claim.owner == f"worker-{wins.index(True)}"
        assert len(store.pending_events()) == 1
