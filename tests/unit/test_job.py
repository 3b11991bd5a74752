import itertools

import pytest

from shared.errors import Conflict
from shared.job.job import END_STATES, TRANSITIONS, JobState, advance
from tests.job_fixture import NOW, HandClock, archive_of, make_job

S = JobState
ALLOWED = {
    (S.AWAITING_UPLOAD, S.QUEUED),
    (S.AWAITING_UPLOAD, S.REJECTED),
    (S.AWAITING_UPLOAD, S.CANCELLED),
    (S.AWAITING_UPLOAD, S.EXPIRED),
    (S.QUEUED, S.TRAINING),
    (S.QUEUED, S.CANCELLED),
    (S.QUEUED, S.FAILED),
    (S.TRAINING, S.REPORTING),
    (S.TRAINING, S.REJECTED),
    (S.TRAINING, S.FAILED),
    (S.TRAINING, S.CANCELLED),
    (S.REPORTING, S.DONE),
    (S.REPORTING, S.FAILED),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_a_state_follows_only_where_the_table_says_so(before: JobState, after: JobState) -> None:
    clock = HandClock()
    clock.advance(5)
    job = make_job(state=before)
    if (before, after) in ALLOWED:
        moved = advance(job, after, clock(), attempts=3)
        assert (moved.state, moved.updated_at, moved.attempts) == (after, clock(), 3)
        assert job.state is before
    else:
        with pytest.raises(Conflict, match=f"is {before} and cannot become {after}"):
            advance(job, after, clock())


def test_every_state_leads_to_an_end_and_no_further() -> None:
    assert {S.DONE, S.REJECTED, S.FAILED, S.CANCELLED, S.EXPIRED} == END_STATES
    reached = set(END_STATES)
    for _ in S:
        reached |= {state for state, following in TRANSITIONS.items() if following & reached}
    assert reached == set(S)


def test_an_end_owes_a_mail_until_it_was_sent_or_can_never_be() -> None:
    owing = {state for state in S if make_job(state=state, archive=archive_of()).owes_mail}
    assert owing == {S.REPORTING, S.DONE, S.REJECTED, S.FAILED, S.CANCELLED}
    assert not make_job(state=S.FAILED, mailed_at=NOW).owes_mail
    assert not make_job(state=S.EXPIRED).owes_mail


def test_a_cancel_before_the_upload_owes_no_mail() -> None:
    assert not make_job(state=S.CANCELLED).owes_mail
    assert make_job(state=S.CANCELLED, archive=archive_of()).owes_mail


def test_a_job_is_open_until_it_has_ended_and_its_mail_is_out() -> None:
    assert all(make_job(state=state, mailed_at=NOW).is_open != make_job(state=state).is_ended for state in S)
    assert make_job(state=S.REJECTED).is_open
    assert not make_job(state=S.EXPIRED).is_open


def test_a_new_job_has_its_whole_budget_before_it() -> None:
    assert (make_job().trained_s, make_job().attempts) == (0, 0)
