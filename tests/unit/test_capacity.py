"""A service that is full says so and when to ask again, and lets no more in than it said, however many ask at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.intake.overview.capacity import Capacity
from services.onebox.commands.serve import chosen
from shared.errors import Transient, UserFault
from shared.job.job import JobState
from tests.doubles.memory_job_store import MemoryJobStore
from tests.intake_fixture import IntakeFixture
from tests.job_fixture import HandClock, make_job


def posted(service: IntakeFixture):
    return service.app.test_client().post("/v1/jobs", json={"email": "ada@example.org"})


def test_a_full_service_says_so_and_takes_jobs_again_when_one_has_ended():
    service = IntakeFixture(max_jobs=2)
    first = service.submit()
    service.submit()
    refused = posted(service)
    assert (refused.status_code, refused.json["error"]["code"]) == (429, "too_many_jobs")
    assert refused.json["error"]["fix"]
    wait_s = int(refused.headers["Retry-After"])
    service.move(first, JobState.CANCELLED)
    service.clock.advance(wait_s)
    assert posted(service).status_code == 201
    assert posted(service).status_code == 429


def test_many_who_ask_at_once_get_no_more_places_than_there_are():
    service = IntakeFixture(max_jobs=7)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: posted(service).status_code, range(40)))
    assert (answers.count(201), answers.count(429)) == (7, 33)


def test_jobs_of_before_a_restart_count():
    store, clock = MemoryJobStore(), HandClock()
    for number in range(3):
        store.create(make_job(f"job-{number}", JobState.QUEUED))
    store.create(make_job("over", JobState.EXPIRED))
    capacity = Capacity(store, 4, clock)
    with capacity.place():
        pass
    with pytest.raises(UserFault), capacity.place():
        pass


def test_a_job_that_could_not_be_made_leaves_its_place_to_the_next():
    capacity = Capacity(MemoryJobStore(), 1, HandClock())
    for _ in range(3):
        with pytest.raises(Transient), capacity.place():
            raise Transient("the store is away")
    with capacity.place():
        pass


def test_a_key_pays_nothing_for_a_job_that_found_no_place():
    service = IntakeFixture(max_jobs=1)
    service.submit()
    used = []
    service.access.add = lambda window, amount: used.append(window) or 1
    assert posted(service).status_code == 429
    assert used == []


def test_a_full_service_does_not_read_all_jobs_for_everybody_who_asks():
    store, clock = MemoryJobStore(), HandClock()
    looks = []
    find = store.find
    store.find = lambda *args, **kwargs: looks.append(1) or find(*args, **kwargs)
    store.create(make_job("job-1", JobState.QUEUED))
    capacity = Capacity(store, 1, clock)
    for _ in range(50):
        with pytest.raises(UserFault), capacity.place():
            pass
    assert len(looks) == 1


def test_without_a_limit_any_number_is_taken():
    service = IntakeFixture(max_jobs=0)
    assert [posted(service).status_code for _ in range(5)] == [201] * 5


def test_serve_hands_the_limit_on():
    assert chosen(require_key=False, keep_days=None, max_jobs=20) == {"CONVTAILOR_MAX_JOBS": "20"}
    assert chosen(require_key=False, keep_days=None, max_jobs=None) == {}
