"""What every HeartbeatStore has to do; a back-end's test subclasses this and provides the fixture ``heartbeats``."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.job.job import Trial, TrialState
from shared.ports.heartbeat_store import HeartbeatStore
from tests.job_fixture import full_heartbeat, make_heartbeat


class HeartbeatStoreContract:
    def test_nothing_is_known_of_a_claim_before_its_first_heartbeat(self, heartbeats: HeartbeatStore) -> None:
        assert heartbeats.get("job-1", 1) is None

    def test_a_heartbeat_comes_back_as_it_was_written(self, heartbeats: HeartbeatStore) -> None:
        heartbeats.put(full_heartbeat())
        assert heartbeats.get("job-1", 2) == full_heartbeat()

    def test_the_last_one_counts(self, heartbeats: HeartbeatStore) -> None:
        heartbeats.put(full_heartbeat())
        later = make_heartbeat(2, trained_s=99.0)
        heartbeats.put(later)
        assert heartbeats.get("job-1", 2) == later, "nothing of the former is left in it"
        heartbeats.put(later)
        assert heartbeats.get("job-1", 2) == later

    def test_a_zombie_does_not_touch_the_heartbeat_of_its_successor(self, heartbeats: HeartbeatStore) -> None:
        successors = full_heartbeat()
        heartbeats.put(successors)
        heartbeats.put(make_heartbeat(1))
        assert heartbeats.get("job-1", 2) == successors
        assert heartbeats.get("job-1", 1) == make_heartbeat(1)
        assert heartbeats.get("job-1", 3) is None

    def test_of_a_deleted_job_no_heartbeat_is_left_and_all_of_the_others_are(self, heartbeats: HeartbeatStore) -> None:
        others = [make_heartbeat(1, job_id="job-10"), make_heartbeat(2, job_id="job-2")]
        for each in (make_heartbeat(1), make_heartbeat(2), *others):
            heartbeats.put(each)
        heartbeats.delete("job-1")
        assert [heartbeats.get("job-1", fence) for fence in (1, 2)] == [None, None]
        assert [heartbeats.get(each.job_id, each.fence) for each in others] == others
        heartbeats.delete("job-1")

    @pytest.mark.parametrize("job_id", ["", ".", "..", "a/b", "__x__", "job-1/heartbeats/0", "ü", "x" * 3000])
    def test_any_text_may_be_asked_for(self, heartbeats: HeartbeatStore, job_id: str) -> None:
        assert heartbeats.get(job_id, 1) is None
        heartbeats.delete(job_id)

    def test_the_most_trials_that_a_job_can_have_fit_in(self, heartbeats: HeartbeatStore) -> None:
        trials = tuple(
            Trial(name=f"tune/{number}", state=TrialState.FAILED, reason="€" * 1000, seconds=1.0)
            for number in range(150)
        )
        large = replace(full_heartbeat(), trials=trials)
        heartbeats.put(large)
        assert heartbeats.get("job-1", 2) == large

    def test_many_workers_at_once_keep_to_their_own(self, heartbeats: HeartbeatStore) -> None:
        def work(number: int) -> None:
            for beat in range(5):
                heartbeats.put(make_heartbeat(1, job_id=f"job-{number}", trained_s=float(beat)))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        spent = [heartbeats.get(f"job-{number}", 1).trained_s for number in range(8)]
        assert spent == [4.0] * 8

    def test_its_cadence_lets_the_shortest_lease_live(self, heartbeats: HeartbeatStore) -> None:
        cadence = heartbeats.cadence
        assert 0 <= cadence.least_s <= cadence.progress_s
        assert cadence.look_s > 0
        assert cadence.beat_s(timedelta(seconds=10)) <= 5
