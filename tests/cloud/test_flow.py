"""The whole job on Google Cloud's products, in fair weather and foul.

What is claimed: every job answered 201 reaches one end state, its person is told at least once, and what is delivered
is the work of the highest fence. One job trains for real; in the others, which are about deaths and disorder,
``tests/paced_training.py`` stands in for the training.
"""

import signal
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import keras
import numpy as np
import pytest

from services.client.api.client import Client
from services.client.api.job_view import JobView, Submitted
from shared.clock import utc_now
from shared.job.events import announcement, archive_uploaded, job_queued
from shared.job.job import Job, JobState
from tests.cloud.cloud_house import CloudHouse, Weather
from tests.onebox_fixture import draw_folder
from tests.paced_training import Gates
from tests.preloaded.python import preloaded_programs
from tests.waiting import PATIENCE_S, until

PHASES = ("queue", "prepare", "screen", "tune", "evaluate", "export", "report", "done")
QUICK = {"candidates": "tiny", "levels": "last", "epochs": 8, "tune_epochs": 2, "tune_trials": 1, "budget_minutes": 5}
_WITHIN_S = 420.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("photos")
    folder = draw_folder(home / "shapes", per_class=12)
    with zipfile.ZipFile(home / "shapes.zip", "w") as written:
        for path in sorted(folder.rglob("*.png")):
            written.write(path, path.relative_to(folder))
    return home / "shapes.zip"


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path / "gates")


@pytest.fixture
def house(pubsub: str, firestore: str, project: str, weather: Weather, tmp_path: Path) -> Iterator[CloudHouse]:
    with CloudHouse.open(tmp_path, project, weather=weather) as house:
        yield house


def phase_of(view: JobView) -> int:
    """Return how far a job is, as a position in the list of phases."""
    if view.is_ended:
        return PHASES.index("done")
    if view.state is JobState.REPORTING:
        return PHASES.index("report")
    return PHASES.index(view.phase) if view.phase in PHASES else 0


def watch(
    house: CloudHouse, client: Client, created: Submitted, *, look: Callable[[JobView], None] = lambda _: None
) -> JobView:
    """Watch a job to its end, with a look at each of its states."""

    def ended() -> JobView | None:
        for service in house.services.values():
            service.check()
        view = house.status(client, created)
        if view is not None:
            look(view)
        return view if view is not None and view.is_ended else None

    return until(ended, within_s=_WITHIN_S, tell=lambda: {name: house.lines(name)[-5:] for name in house.services})


def await_mail(house: CloudHouse, job_id: str) -> None:
    until(lambda: house.job(job_id).mailed_at, tell=lambda: house.lines("reporter")[-5:])


def assert_promises_kept(house: CloudHouse, job_id: str) -> Job:
    """Check what is claimed above of a job that has ended well."""
    job = house.job(job_id)
    assert job.state is JobState.DONE
    assert house.mails(job_id)
    assert job.claim is not None
    assert job.artefacts.model_h5 is not None
    assert job.artefacts.model_h5.startswith(f"jobs/{job_id}/{job.claim.fence}/"), "the highest fence's work"
    return job


def test_a_job_from_the_first_request_to_the_mail(house: CloudHouse, archive: Path, tmp_path: Path) -> None:
    with preloaded_programs():
        house.start("trainer", "trainer")
    seen: list[str] = []
    with Client(house.url) as client:
        created = house.submit(client, QUICK, archive)
        view = watch(house, client, created, look=lambda view: seen.append(view.state))
        job = assert_promises_kept(house, created.job_id)
        client.download(view.links["model"], created.token, tmp_path / "model.h5")
    assert view.state is JobState.DONE
    assert {"queued", "training"} & set(seen)
    assert job.device is not None
    (mail,) = house.mails(created.job_id)
    assert mail["personalizations"] == [{"to": [{"email": "ada@example.org"}]}]
    assert [part["type"] for part in mail["content"]] == ["text/plain", "text/html"]
    page = mail["content"][1]["value"]
    assert all(f"cid:{picture['content_id']}" in page for picture in mail["attachments"])
    model = keras.models.load_model(tmp_path / "model.h5", compile=False)
    square = np.zeros((1, 40, 60, 3), np.uint8)
    assert model.predict(square, verbose=0).sum() == pytest.approx(1.0, abs=1e-5)
    assert house.dead_letters() == []
    _assert_no_secret_is_logged(house, created)


def _assert_no_secret_is_logged(house: CloudHouse, created: Submitted) -> None:
    for name in house.services:
        text = (house.folder / f"{name}.log").read_text()
        for secret in (created.token, "SG.secret", "X-Goog-Signature", "Bearer ey"):
            assert secret not in text, f"{name} logs {secret}"


def test_each_service_killed_at_each_of_its_steps(house: CloudHouse, archive: Path, gates: Gates) -> None:
    gates.close({"prepare", "screen", "tune", "evaluate", "export"})
    house.start_paced_trainer("trainer", gates)
    kills = [("trainer", phase) for phase in ("prepare", "screen", "tune", "evaluate", "export")]
    kills += [("intake", "screen"), ("reporter", "report"), ("intake", "report")]
    due = sorted(kills, key=lambda kill: PHASES.index(kill[1]))

    def kill(view: JobView) -> None:
        while due and phase_of(view) >= PHASES.index(due[0][1]):
            service, phase = due.pop(0)
            house.signal(service, signal.SIGKILL)
            if phase not in {phase for _, phase in due}:
                gates.open(phase)

    with Client(house.url) as client:
        created = client.submit("ada@example.org", QUICK)
        house.signal("intake", signal.SIGKILL)  # after the job is answered, before its archive comes
        client.upload(created.upload, archive)
        watch(house, client, created, look=kill)
        assert due == []
        job = assert_promises_kept(house, created.job_id)
    assert job.claim is not None
    assert job.claim.fence > 1


@pytest.mark.parametrize("weather", [Weather(copies=4, repeats_notifications=3)], ids=["duplicates"])
def test_messages_that_come_often_at_once_and_out_of_order_change_nothing(house: CloudHouse, archive: Path) -> None:
    house.start_paced_trainer("trainer")
    with Client(house.url) as client:
        created = client.submit("ada@example.org", QUICK)
        job = house.job(created.job_id)
        early = [job_queued(job.job_id, utc_now()) for _ in range(3)]
        house.publish(*early, archive_uploaded(job.job_id, utc_now(), object_key="no/such", generation="1"))
        client.upload(created.upload, archive)
        watch(house, client, created)
        ended = assert_promises_kept(house, created.job_id)
        assert len(house.mails(created.job_id)) == 1
        late = [
            *announcement(replace(ended, state=JobState.REPORTING, mailed_at=None), utc_now()),
            job_queued(job.job_id, utc_now()),
            archive_uploaded(job.job_id, utc_now(), object_key=job.upload.object_key, generation="1"),
        ]
        late = [replace(event, event_id=f"late-{number}") for number, event in enumerate(late)]
        house.publish(*late)
        until(lambda: {event.event_id for event in late} <= house.settled_events())
        assert house.job(created.job_id) == ended
    assert len(house.mails(created.job_id)) == 1


@pytest.mark.parametrize("weather", [Weather(loses_notifications=True)], ids=["lost"])
def test_an_archive_whose_notification_is_lost_is_found_by_the_sweeper(house: CloudHouse, tmp_path: Path) -> None:
    """A zip that is none needs no trainer: the job is rejected, and its person told why."""
    (tmp_path / "photos.zip").write_bytes(b"this is no zip")
    with Client(house.url) as client:
        created = house.submit(client, QUICK, tmp_path / "photos.zip")
        view = watch(house, client, created)
        await_mail(house, created.job_id)
    assert view.state is JobState.REJECTED
    (mail,) = house.mails(created.job_id)
    assert "no zip" in mail["content"][0]["value"]


def test_a_trainer_that_sleeps_past_its_claim_changes_nothing_when_it_wakes(
    house: CloudHouse, archive: Path, gates: Gates
) -> None:
    gates.close({"screen"})
    house.start_paced_trainer("sleeper", gates)
    asleep: list[int] = []

    def put_to_sleep(view: JobView) -> None:
        if not asleep and phase_of(view) >= PHASES.index("screen") and not view.is_ended:
            house.signal("sleeper", signal.SIGSTOP)
            asleep.append(house.job(created.job_id).claim.fence)
            house.start_paced_trainer("successor", gates)
            gates.open("screen")

    with Client(house.url) as client:
        created = house.submit(client, QUICK, archive)
        watch(house, client, created, look=put_to_sleep)
        ended = assert_promises_kept(house, created.job_id)
        assert ended.claim.fence > asleep[0]
        model = httpx.get(
            f"{house.url}/v1/jobs/{created.job_id}/model",
            headers=bearer(created),
            follow_redirects=True,
            timeout=PATIENCE_S,
        )
        house.signal("sleeper", signal.SIGCONT)
        until(lambda: any("no longer holds the claim" in str(line) for line in house.lines("sleeper")))
        assert house.job(created.job_id) == ended
        again = httpx.get(
            f"{house.url}/v1/jobs/{created.job_id}/model",
            headers=bearer(created),
            follow_redirects=True,
            timeout=PATIENCE_S,
        )
    assert model.content == again.content
    assert len(house.mails(created.job_id)) == 1


def bearer(created: Submitted) -> dict[str, str]:
    return {"Authorization": f"Bearer {created.token}"}
