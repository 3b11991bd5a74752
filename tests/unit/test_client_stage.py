"""What a person is told about where a job stands."""

import pytest

from services.client.api.job_view import JobView
from services.client.terminal.stage import TITLES, Stage, best_so_far, counts, listed, stage_of
from services.trainer.run.progress import PHASES
from shared.job.job import END_STATES, JobState
from shared.job.progress import Best

BEST = Best(candidate="mobilenet", val_accuracy=0.912)


@pytest.mark.parametrize(
    ("state", "key"),
    [(JobState.AWAITING_UPLOAD, "check"), (JobState.QUEUED, "queue"), (JobState.REPORTING, "report")],
)
def test_a_state_without_a_trainer_is_a_stage_of_its_own_and_keeps_the_best_in_sight(state: JobState, key: str) -> None:
    assert stage_of(JobView(job_id="j", state=state, phase="tune", done=3, best=BEST)) == Stage(key=key, best=BEST)


def test_while_it_trains_the_stage_is_the_phase_with_all_that_is_known_of_it() -> None:
    view = JobView(
        job_id="j",
        state=JobState.TRAINING,
        phase="screen",
        done=120,
        total=600,
        unit="images",
        detail="mobilenet",
        eta_s=42.0,
        best=BEST,
    )
    assert stage_of(view) == Stage(
        key="screen", done=120, total=600, unit="images", detail="mobilenet", eta_s=42.0, best=BEST
    )


def test_a_trainer_that_has_said_nothing_yet_is_still_waited_for() -> None:
    assert stage_of(JobView(job_id="j", state=JobState.TRAINING)) == Stage(key="queue")


@pytest.mark.parametrize(
    ("position", "starts_in_s", "said"),
    [
        (None, None, ""),
        (1, None, "next"),
        (1, 0.0, "next"),
        (3, 754.0, "place 3 in the queue · starts in about 12 min 34 s"),
    ],
)
def test_who_waits_is_told_the_place_and_how_long(position: int | None, starts_in_s: float | None, said: str) -> None:
    view = JobView(job_id="j", state=JobState.QUEUED, queue_position=position, starts_in_s=starts_in_s)
    assert stage_of(view) == Stage(key="queue", detail=said)


@pytest.mark.parametrize("state", sorted(END_STATES))
def test_a_job_that_has_ended_is_in_no_stage(state: JobState) -> None:
    assert stage_of(JobView(job_id="j", state=state, phase="tune")) is None


def test_every_phase_has_a_title_that_says_what_happens() -> None:
    assert set(PHASES) <= set(TITLES)
    assert Stage(key="tune").title == "Improve winner"
    assert Stage(key="polish").title == "polish"  # a newer server


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (Stage(key="screen", done=120, total=600, unit="images"), "120/600 images"),
        (Stage(key="upload", done=1_500_000, total=4_000_000, unit="bytes"), "1.5/4.0 MB"),
        (Stage(key="prepare", done=12, unit="images"), "12 images"),
        (Stage(key="tune", done=1, total=4), "1/4"),
        (Stage(key="tune", done=0, total=4), "0/4"),
        (Stage(key="queue"), ""),
        (Stage(key="queue", unit="images"), ""),
    ],
)
def test_counts_say_no_more_than_is_known(stage: Stage, said: str) -> None:
    assert counts(stage) == said


def test_the_best_so_far_is_named_with_its_accuracy() -> None:
    assert listed(["one", "", best_so_far(None), best_so_far(BEST)]) == "one · best so far mobilenet 91.2%"
