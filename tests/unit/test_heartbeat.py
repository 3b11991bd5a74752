from dataclasses import replace
from datetime import timedelta

import pytest

from shared.job.claim import Claim
from shared.job.heartbeat import Cadence, decode_heartbeat, encode_heartbeat, is_due, with_heartbeat
from shared.job.job import Job, JobState, Trial, TrialState
from shared.job.progress import Best, Progress
from tests.job_fixture import NOW, full_heartbeat, make_heartbeat, make_job

LEASE = timedelta(seconds=15)
AT_ONCE = Cadence(least_s=0.0, progress_s=1.0, look_s=0.5)
BILLED = Cadence(least_s=5.0, progress_s=5.0, look_s=5.0)
BEST = Best(candidate="tiny", val_accuracy=0.5)
LAST = make_heartbeat(progress=Progress(phase="screen", done=3, total=10, best=BEST))


def training(**changes: object) -> Job:
    claim = Claim(owner="worker", fence=2, expires_at=NOW + timedelta(seconds=30))
    return make_job(state=JobState.TRAINING, **{"claim": claim, "trained_s": 10.0, **changes})


@pytest.mark.parametrize(
    ("changes", "elapsed_s", "expected"),
    [
        ({"progress": Progress(phase="screen", done=4, best=BEST)}, 0.9, False),
        ({"progress": Progress(phase="screen", done=4, best=BEST)}, 1.0, True),
        ({"progress": Progress(phase="tune", best=BEST)}, 0.0, True),
        ({"progress": replace(LAST.progress, best=Best(candidate="tiny", val_accuracy=0.6))}, 0.0, True),
        ({"progress": replace(LAST.progress, best=Best(candidate="vgg16", val_accuracy=0.5))}, 0.0, True),
        ({"trials": (Trial(name="screen/tiny", state=TrialState.DONE),)}, 0.0, True),
        ({"device": "CPU (2 cores)"}, 0.0, True),
        ({"trained_s": 4.0}, 4.0, False),
        ({"trained_s": 5.0}, 5.0, True),
    ],
    ids=[
        "too soon",
        "once an interval",
        "new phase",
        "new best score",
        "new best candidate",
        "new trial",
        "new device",
        "no news",
        "no news for a third of the lease",
    ],
)
def test_what_a_person_waits_for_is_written_at_once_and_the_rest_now_and_then(
    changes: dict[str, object], elapsed_s: float, *, expected: bool
) -> None:
    assert is_due(LAST, replace(LAST, **changes), elapsed_s=elapsed_s, lease=LEASE, cadence=AT_ONCE) is expected


@pytest.mark.parametrize("changes", [{"device": "GPU"}, {"progress": Progress(phase="tune")}, {}])
@pytest.mark.parametrize("lease_s", [10, 15])
def test_where_writes_are_billed_no_news_brings_them_closer_than_five_seconds(
    changes: dict[str, object], lease_s: int
) -> None:
    terms = {"lease": timedelta(seconds=lease_s), "cadence": BILLED}
    assert not is_due(LAST, replace(LAST, **changes), elapsed_s=4.99, **terms)
    assert is_due(LAST, replace(LAST, **changes), elapsed_s=5.0, **terms)


@pytest.mark.parametrize(("lease_s", "beat_s"), [(1, 0.5), (6, 3), (10, 5), (15, 5), (30, 10)])
def test_two_heartbeats_or_more_fit_into_every_lease(lease_s: float, beat_s: float) -> None:
    assert BILLED.beat_s(timedelta(seconds=lease_s)) == beat_s


def test_a_job_is_told_as_of_its_last_heartbeat() -> None:
    told = with_heartbeat(training(), full_heartbeat())
    assert told.claim == Claim(owner="worker", fence=2, expires_at=full_heartbeat().expires_at)
    assert told.trained_s == 12.5
    assert (told.device, told.progress) == (full_heartbeat().device, full_heartbeat().progress)
    assert told.trials == full_heartbeat().trials


def test_what_a_heartbeat_does_not_know_yet_is_taken_from_the_job() -> None:
    before = training(device="CPU", progress=LAST.progress, trials=full_heartbeat().trials)
    told = with_heartbeat(before, make_heartbeat(2))
    assert (told.device, told.progress, told.trials) == (before.device, before.progress, before.trials)
    assert told.trained_s == 10.0, "time once spent is never given back"


def test_a_trial_told_again_takes_the_place_of_the_former() -> None:
    former, other = Trial(name="tune/0", state=TrialState.FAILED), Trial(name="tune/1", state=TrialState.DONE)
    again = Trial(name="tune/0", state=TrialState.DONE)
    told = with_heartbeat(training(trials=(former, other)), make_heartbeat(2, trials=(again,)))
    assert told.trials == (again, other), "a trial that is told again keeps its place"


@pytest.mark.parametrize(
    "job",
    [
        training(claim=None),
        training(claim=Claim(owner="successor", fence=3, expires_at=NOW)),
        training(claim=Claim(owner="worker", fence=1, expires_at=NOW)),
        training(job_id="job-2"),
        replace(training(), state=JobState.REPORTING),
    ],
    ids=["no claim", "a successor's claim", "an earlier claim", "another job", "not training any more"],
)
def test_a_heartbeat_counts_for_the_claim_it_belongs_to_and_while_the_job_trains(job: Job) -> None:
    assert with_heartbeat(job, full_heartbeat()) is job
    assert with_heartbeat(job, None) is job


def test_a_heartbeat_comes_back_from_a_store_as_it_was_written() -> None:
    assert decode_heartbeat(encode_heartbeat(full_heartbeat())) == full_heartbeat()


@pytest.mark.parametrize("text", ["", "{", '{"job_id": "job-1"}'])
def test_a_damaged_heartbeat_is_told_to_the_operator_and_stops_nobody(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert decode_heartbeat(text) is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
