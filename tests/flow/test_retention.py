"""A service that keeps nothing for longer than it says, as its person sees it."""

import email
import email.policy
import zipfile
from pathlib import Path

from services.client.api.client import Client
from services.client.api.job_view import JobView, Submitted
from services.onebox.services import Onebox
from shared.backends import open_backends
from shared.process.held_folder import remove_unheld
from shared.settings import Settings
from tests.onebox_fixture import environment
from tests.waiting import PATIENCE_S, until

A_MOMENT = "1e-9"


def told(box: Onebox, made: Submitted) -> JobView:
    with Client(box.url) as client:
        return client.status(made.job_id, made.token)


def test_photographs_go_with_their_job_and_the_rest_when_its_time_is_over(tmp_path: Path) -> None:
    data, archive = tmp_path / "data", tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as one_class:
        for number in range(6):
            one_class.writestr(f"only/{number}.png", bytes([number]) * 100)
    environ = environment(tmp_path)
    with Onebox(data, {**environ, "CONVTAILOR_ARTEFACT_DAYS": "7"}) as box:
        box.wait_ready(within_s=PATIENCE_S)
        with Client(box.url) as client:
            made = client.submit("ada@example.org", {})
            client.upload(made.upload, archive)
        until(lambda: told(box, made).mailed_at, tell=lambda: told(box, made))
        objects = open_backends(Settings(data_dir=data)).object_store
        assert [stored.key for stored in objects.list("")] == [f"jobs/{made.job_id}/report.html"]
        assert told(box, made).links["report"]
        (temporary,) = (data / "scratch").iterdir()
        assert not remove_unheld(temporary), "it belongs to the services for as long as they live"
    assert list((data / "scratch").iterdir()) == []
    (path,) = data.rglob("*.eml")
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert "Your photographs were deleted before this was sent" in " ".join(
        mail.get_body(("plain",)).get_content().split()
    )
    with Onebox(data, {**environ, "CONVTAILOR_ARTEFACT_DAYS": A_MOMENT}) as box:
        box.wait_ready(within_s=PATIENCE_S)
        view = until(lambda: (now := told(box, made)).files_deleted_at and now, tell=lambda: told(box, made))
        assert (view.state, view.links["report"]) == ("rejected", None)
        assert view.error is not None
        assert view.error.code == "archive_one_class"
        assert list(objects.list("")) == []
    stored = open_backends(Settings(data_dir=data)).job_store.get(made.job_id)
    assert stored.job.email == ""
