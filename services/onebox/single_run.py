"""One job on this machine from data to delivery: send, follow, fetch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.client.api.client import Client
from services.client.api.job_view import JobView, Submitted
from services.client.delivery import FILE_NAMES, fetch
from services.client.fault import Interrupted
from services.client.follow import Patience, follow, raise_unless_done
from services.client.terminal.live import Live, in_bytes
from services.client.terminal.stage import Stage
from services.onebox.services import Onebox
from shared.errors import UserFault

_POLL_S = 0.2
_MAIL_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What to run.

    Args:
        make_archive: Returns the zip to upload; called while the services start.
        email: Where the report goes.
        out: Folder for the results.
        options: Those of the job that were given.
    """

    make_archive: Callable[[], Path]
    email: str
    out: Path
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What lies in the folder for the results.

    Args:
        view: The job as it ended.
        files: Path by name.
    """

    view: JobView
    files: Mapping[str, Path]


def run_job(order: RunOrder, box: Onebox, live: Live) -> Delivery:
    """Run one job on services that were just started and deliver what it leaves.

    The first Ctrl-C cancels the job, and the best network so far is still delivered; a second one stops everything.

    Raises:
        UserFault: If the job was rejected or failed, or a service cannot run; what it left is delivered before.
        Interrupted: After Ctrl-C.
    """
    live.show(Stage(key="start"))
    archive = order.make_archive()
    with Client(box.wait_ready()) as client:
        return _Session(order, box=box, client=client, live=live).run(archive)


class _Session:
    """One job between its submission and its delivery."""

    def __init__(self, order: RunOrder, *, box: Onebox, client: Client, live: Live) -> None:
        self._order, self._box, self._client, self._live = order, box, client, live
        self._patience = Patience(interval_s=_POLL_S, heeds_server=False, wait=box.wait)

    def run(self, archive: Path) -> Delivery:
        """Submit the archive, follow the job and deliver."""
        size_bytes = archive.stat().st_size
        created = self._client.submit(self._order.email, self._order.options, size_bytes=size_bytes)
        is_interrupted = False
        try:
            self._client.upload(created.upload, archive, on_bytes=in_bytes(self._live, "upload"))
            view = self._follow(created)
        except KeyboardInterrupt:
            is_interrupted = True
            view = self._cancel(created)
        self._live.show(None)
        try:
            delivery = self._deliver(self._with_mail(created, view), created.token)
        except KeyboardInterrupt:
            if is_interrupted:
                raise
            self._live.note("It has ended, and what it left is still brought here. Ctrl-C again stops at once.")
            delivery = self._deliver(view, created.token)
        if is_interrupted:
            raise _interrupted(delivery)
        raise_unless_done(view)
        return delivery

    def _follow(self, created: Submitted) -> JobView:
        return follow(self._client, created.job_id, created.token, live=self._live, patience=self._patience)

    def _cancel(self, created: Submitted) -> JobView:
        self._live.note("Cancelling; the best network so far is still packed. Ctrl-C again stops at once.")
        try:
            self._client.cancel(created.job_id, created.token)
        except UserFault:  # it had ended in the same moment
            self._live.note("The job had ended already.")
        return self._follow(created)

    def _with_mail(self, created: Submitted, view: JobView) -> JobView:
        """Return the job once its mail is written, which for other ends than ``done`` comes after the end."""
        deadline_s = self._patience.clock() + _MAIL_WITHIN_S
        while view.awaits_mail and self._patience.clock() < deadline_s:
            self._patience.wait(_POLL_S)
            view = self._client.status(created.job_id, created.token)
        return view

    def _deliver(self, view: JobView, token: str) -> Delivery:
        mails = sorted(self._box.data_dir.glob(f"**/*{view.job_id}*.eml"))
        besides = {"mail": mails[0]} if mails else {}
        if not mails and not any(view.links.get(name) for name in FILE_NAMES):
            return Delivery(view=view, files={})
        return Delivery(view=view, files=fetch(self._client, view, token, self._order.out, besides=besides))


def _interrupted(delivery: Delivery) -> Interrupted:
    files = {name: str(path.resolve()) for name, path in delivery.files.items()}
    what = "The best network so far was delivered." if "model" in files else "There was no network yet."
    return Interrupted(
        "interrupted",
        f"Cancelled. {what}",
        fix="Run the command again to train to the end.",
        details={"job_id": delivery.view.job_id, "state": delivery.view.state.value, **files},
    )
