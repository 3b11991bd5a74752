"""The soak sees every promise that is broken: each test breaks one in stores that are otherwise in order."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.soak.clients import Ticket, Wish
from benchmarks.soak.diary import Diary, Entry
from benchmarks.soak.promises import Ground, Promise, figures, look, no_growing_descriptors
from services.client.api.job_view import Submitted, UploadTicket
from shared.backends import Backends, open_backends
from shared.errors import Fault
from shared.job.events import Topic, job_queued
from shared.job.job import Artefacts, JobState
from shared.json_codec import to_json
from shared.layout import report_key
from shared.settings import Settings
from tests.job_fixture import NOW, archive_of, make_job
from tests.result_fixture import make_result

KEY = "jobs/job-1/1/"
ARTEFACTS = Artefacts(
    result=f"{KEY}result.json",
    model_h5=f"{KEY}model.h5",
    model_keras=f"{KEY}model.keras",
    labels=f"{KEY}labels.txt",
    predict=f"{KEY}predict.py",
    report=report_key("job-1"),
)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """One job that was wanted, trained, delivered and told of, once."""
    backends = open_backends(Settings(data_dir=tmp_path / "data"))
    deliver(backends)
    backends.job_store.create(
        make_job("job-1", JobState.DONE, archive=archive_of(), artefacts=ARTEFACTS, mailed_at=NOW)
    )
    for name in ("scratch", "tmp"):
        (tmp_path / name).mkdir()
    ticket = UploadTicket(url="http://127.0.0.1", method="PUT", headers={})
    made = Submitted(job_id="job-1", token="t", upload=ticket)
    return Ground(
        tickets=[Ticket(wish=Wish.NETWORK, patience_s=0.0, submitted=made)],
        backends=backends,
        diary=Diary(mails={"job-1": [1000.0]}),
        scratch=tmp_path / "scratch",
        tmp=tmp_path / "tmp",
        data=tmp_path / "data",
    )


def deliver(backends: Backends) -> None:
    result = json.dumps(to_json(make_result())).encode()
    for key in (ARTEFACTS.model_h5, ARTEFACTS.model_keras, ARTEFACTS.labels, ARTEFACTS.predict, ARTEFACTS.report):
        backends.object_store.put(key, io.BytesIO(b"bytes"), content_type="text/plain")
    backends.object_store.put(ARTEFACTS.result, io.BytesIO(result), content_type="application/json")


def change(ground: Ground, **changes: object) -> None:
    stored = ground.backends.job_store.get("job-1")
    ground.backends.job_store.replace(stored, replace(stored.job, **changes))


def broken(ground: Ground) -> dict[str, str]:
    """Return the promises that are seen as broken, with the evidence."""
    return {each.name: "; ".join(each.evidence) for each in look(ground) if not each.is_kept}


def test_where_all_was_kept_nothing_is_held_against_it(ground: Ground) -> None:
    assert broken(ground) == {}


def test_a_job_that_never_ends_is_lost(ground: Ground) -> None:
    change(ground, state=JobState.TRAINING)
    assert broken(ground) == {"no lost job": "job-1 is training at the end"}


def test_an_end_that_nobody_asked_for_is_wrong(ground: Ground) -> None:
    change(ground, state=JobState.FAILED, fault=Fault(code="disk_full", message="Full.", fix="Make room."))
    assert broken(ground) == {"no wrong end": "job-1 (network) is failed: disk_full: Full."}


def test_a_network_that_cannot_be_fetched_is_missed(ground: Ground) -> None:
    ground.backends.object_store.delete(ARTEFACTS.model_h5)
    assert "model.h5" in broken(ground)["everything that was announced can be fetched"]


@pytest.mark.parametrize(
    ("mails", "disturbed", "is_excused"),
    [
        ([], None, False),
        ([1000.0, 1030.0], None, False),
        ([1000.0, 1030.0], Entry(kind="kill -9", target="intake", began=1000.1, ended=1000.1), False),
        ([1000.0, 1030.0], Entry(kind="kill -9", target="reporter", began=1025.0, ended=1025.0), False),
        ([1000.0, 1030.0], Entry(kind="kill -9", target="reporter", began=1000.1, ended=1000.1), True),
        ([1000.0, 1030.0, 1060.0], Entry(kind="kill -9", target="reporter", began=1000.1, ended=1000.1), False),
    ],
    ids=["none", "two", "other service", "too late", "in between", "three"],
)
def test_a_second_mail_is_excused_where_recording_the_first_was_disturbed(
    ground: Ground, mails: list[float], disturbed: Entry | None, *, is_excused: bool
) -> None:
    ground.diary.mails["job-1"] = mails
    ground.diary.entries += [disturbed] if disturbed else []
    assert ("one mail a job" not in broken(ground)) is is_excused


def test_a_mail_about_a_job_of_nobody_is_seen(ground: Ground) -> None:
    ground.diary.note_mail("job-2")
    assert "job-2" in broken(ground)["one mail a job"]


@pytest.mark.parametrize("folder", ["scratch", "tmp", "data/incoming"])
def test_a_file_that_is_left_behind_is_seen(ground: Ground, folder: str) -> None:
    (ground.data.parent / folder / "left").touch()
    assert "left" in broken(ground)["no leftover in scratch, temporary or data folder"]


def test_an_object_of_no_job_is_seen(ground: Ground) -> None:
    ground.backends.object_store.put("jobs/job-2/1/model.h5", io.BytesIO(b""), content_type="text/plain")
    assert "jobs/job-2" in broken(ground)["no leftover in scratch, temporary or data folder"]


def test_a_message_that_waits_or_was_given_up_is_seen(ground: Ground) -> None:
    stored = ground.backends.job_store.get("job-1")
    ground.backends.job_store.replace(stored, stored.job, [job_queued("job-1", NOW)])
    ground.backends.event_bus.publish(job_queued("job-1", NOW))
    (delivery,) = ground.backends.event_bus.pull(Topic.JOBS, lease=timedelta(minutes=1))
    ground.backends.event_bus.dead_letter(delivery, "nobody could read it")
    evidence = broken(ground)["no message unsent or given up"]
    assert "never published" in evidence
    assert "nobody could read it" in evidence


def test_an_answer_of_500_is_seen(ground: Ground) -> None:
    ground.diary.note_oddity("answered with 500")
    assert "500" in broken(ground)["no answer of a kind that tells of a fault of ours"]


def test_growing_descriptors_are_seen_and_processes_that_are_gone_are_not_compared() -> None:
    promise: Promise = no_growing_descriptors(
        {"intake 1": 10, "reporter 2": 10, "trainer 3": 10},
        {"intake 1": 10, "reporter 2": 20, "trainer 9": 99},
        num_jobs=3,
    )
    assert promise.evidence == ("reporter 2: 10 before, 20 after 3 jobs",)


def test_the_page_tells_every_promise_and_how_often_it_was_broken(ground: Ground) -> None:
    change(ground, state=JobState.TRAINING)
    promises = look(ground)
    told = figures(promises, "seed 7, 1 jobs under disturbance: 2 × kill -9 trainer")
    assert [each.name.removeprefix("soak, cases against: ") for each in told] == [each.name for each in promises]
    assert [each.reached for each in told] == [each.is_kept for each in promises]
    assert told[0].row() == (
        "| soak, cases against: no lost job | 1 cases | ≤ 0 | **no** | seed 7, 1 jobs under disturbance: "
        "2 × kill -9 trainer; 1 jobs |"
    )
