"""A run on this machine between its data and its delivery, whatever the person does meanwhile."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.client.api.job_view import JobView, Submitted, UploadTicket
from services.client.terminal.live import open_live
from services.onebox.single_run import RunOrder, _Session
from shared.job.job import JobState

DONE = JobView(
    job_id="1", state=JobState.DONE, mailed_at=datetime(2026, 3, 1, tzinfo=UTC), links={"result": "/v1/jobs/1/result"}
)


class Server:
    """Has a job that is done, and a person who presses Ctrl-C while it is downloaded."""

    def __init__(self, num_presses: int) -> None:
        self._num_presses = num_presses

    def submit(self, *_: object, **__: object) -> Submitted:
        return Submitted(job_id="1", token="t", upload=UploadTicket(url="", method="PUT", headers={}))

    def upload(self, *_: object, **__: object) -> None:
        """Take it."""

    def status(self, *_: object) -> JobView:
        return DONE

    def download(self, _link: str, _token: str, target: Path) -> None:
        self._num_presses -= 1
        if self._num_presses >= 0:
            raise KeyboardInterrupt
        target.write_text("{}")


def deliver(folder: Path, num_presses: int) -> list[str]:
    archive = folder / "photos.zip"
    archive.touch()
    order = RunOrder(make_archive=lambda: archive, email="ada@example.org", out=folder / "results")
    box = SimpleNamespace(data_dir=folder / "services", wait=lambda _: None)
    session = _Session(order, box=box, client=Server(num_presses), live=open_live())
    return [path.name for path in session.run(archive).files.values()]


def test_a_training_that_has_ended_is_delivered_whoever_presses_ctrl_c_just_then(tmp_path):
    assert deliver(tmp_path, num_presses=1) == ["result.json"]


def test_a_second_ctrl_c_stops_at_once_and_leaves_no_half_of_a_delivery(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        deliver(tmp_path, num_presses=2)
    assert list((tmp_path / "results").iterdir()) == []
