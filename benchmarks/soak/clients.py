"""Several people at once, each with one job after another, who put up with a server that is away for a while."""

import io
import random
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from PIL import Image

from benchmarks.soak.diary import Diary
from services.client.api.client import Client
from services.client.api.job_view import JobView, Submitted
from services.client.fault import Unreachable
from shared.errors import UserFault
from shared.job.job import JobState

OPTIONS = {
    "candidates": "tiny", "levels": "last", "epochs": 4, "tune_epochs": 2, "tune_trials": 1, "budget_minutes": 30,
}  # fmt: skip
_RETRY_S = 0.5
_POLL_S = 0.5
T = TypeVar("T")


class Wish(StrEnum):
    """What a person is up to, and with it the ends that the job may come to."""

    NETWORK = "network"
    CANCEL_EARLY = "cancel before the upload"
    CANCEL = "cancel on the way"
    BAD_ARCHIVE = "bad archive"


ENDS: dict[Wish, frozenset[JobState]] = {
    Wish.NETWORK: frozenset({JobState.DONE}),
    Wish.CANCEL_EARLY: frozenset({JobState.CANCELLED}),
    Wish.CANCEL: frozenset({JobState.CANCELLED, JobState.DONE}),
    Wish.BAD_ARCHIVE: frozenset({JobState.REJECTED}),
}
_SHARES = ((Wish.NETWORK, 70), (Wish.CANCEL, 14), (Wish.BAD_ARCHIVE, 10), (Wish.CANCEL_EARLY, 6))


@dataclass(slots=True, kw_only=True)
class Ticket:
    """One person's job.

    Args:
        wish: What the person is up to.
        patience_s: Seconds after which a person who wants to cancel does so.
        submitted: The server's answer; ``None`` while there is none.
        view: As last seen.
    """

    wish: Wish
    patience_s: float
    submitted: Submitted | None = None
    view: JobView | None = None


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Clients at work.

    Args:
        url: Of intake.
        good: A zip that can be trained on.
        bad: One that cannot.
        tickets: All jobs, started and not.
        diary: For answers that should not be.
        give_up: Set when the time is over.
    """

    url: str
    good: Path
    bad: Path
    tickets: list[Ticket]
    diary: Diary
    give_up: threading.Event
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def start(self, num_clients: int) -> None:
        """Let so many people begin."""
        for number in range(num_clients):
            mine = self.tickets[number::num_clients]
            thread = threading.Thread(target=self._work, args=(mine,), name=f"client-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def is_at_work(self) -> bool:
        """Tell whether anybody still waits for something."""
        return any(thread.is_alive() for thread in self._threads)

    def _work(self, tickets: Sequence[Ticket]) -> None:
        # Each sends two before waiting for the first, so that there is always a queue.
        with Client(self.url) as client:
            for ticket in tickets:
                self._begin(client, ticket)
            for ticket in tickets:
                self._see_through(client, ticket)

    def _begin(self, client: Client, ticket: Ticket) -> None:
        ticket.submitted = self._insist(lambda: client.submit("ada@example.org", OPTIONS))
        if ticket.submitted is None or ticket.wish is Wish.CANCEL_EARLY:
            return
        archive = self.bad if ticket.wish is Wish.BAD_ARCHIVE else self.good
        upload = ticket.submitted.upload
        while not self.give_up.is_set():
            try:
                self._insist(lambda: client.upload(upload, archive))
            except UserFault as error:
                if error.fault.code != "already_uploaded":  # else an earlier try had arrived, and its answer was lost
                    self.diary.note_oddity(f"an upload was refused: {error.fault.code}: {error}")
                    self.give_up.wait(_RETRY_S)
                    continue
            return

    def _see_through(self, client: Client, ticket: Ticket) -> None:
        made = ticket.submitted
        if made is None:
            return
        cancel_at = time.monotonic() + ticket.patience_s
        is_asked = ticket.wish not in (Wish.CANCEL, Wish.CANCEL_EARLY)
        while not self.give_up.is_set():
            if not is_asked and time.monotonic() >= cancel_at:
                is_asked = self._cancel(client, made)
            ticket.view = self._insist(lambda: client.status(made.job_id, made.token)) or ticket.view
            if ticket.view is not None and ticket.view.is_ended and not ticket.view.awaits_mail:
                return
            self.give_up.wait(_POLL_S)

    def _cancel(self, client: Client, made: Submitted) -> bool:
        try:
            return self._insist(lambda: client.cancel(made.job_id, made.token)) is not None
        except UserFault:
            return True  # it had ended already

    def _insist(self, call: Callable[[], T]) -> T | None:
        """Call until the server answers; ``None`` when the time is over.

        Raises:
            UserFault: If it refuses.
        """
        while not self.give_up.is_set():
            try:
                return call()
            except Unreachable as error:
                if error.fault.details.get("status") == 500:  # 503 says that it passes, 500 that we erred
                    self.diary.note_oddity(f"answered with 500: {error}")
            self.give_up.wait(_RETRY_S)
        return None


def draw_tickets(num_jobs: int, chance: random.Random) -> list[Ticket]:
    """Decide what every person is up to."""
    wishes = [wish for wish, share in _SHARES for _ in range(share)]
    return [Ticket(wish=chance.choice(wishes), patience_s=chance.uniform(0.0, 20.0)) for _ in range(num_jobs)]


def write_archives(folder: Path, chance: random.Random) -> tuple[Path, Path]:
    """Write a zip that can be trained on, two classes of a dozen small pictures, and one with a single class."""
    pictures = {
        f"{name}/{number}.png": _picture(colour, chance)
        for name, colour in (("red", (200, 40, 40)), ("blue", (40, 40, 200)))
        for number in range(12)
    }
    good, bad = folder / "good.zip", folder / "bad.zip"
    _write(good, pictures)
    _write(bad, {path: data for path, data in pictures.items() if path.startswith("red/")})
    return good, bad


def _picture(colour: tuple[int, int, int], chance: random.Random, side_px: int = 48) -> bytes:
    """Draw grain of about one colour."""
    pixels = bytes(
        max(0, min(255, level + chance.randint(-40, 40))) for _ in range(side_px * side_px) for level in colour
    )
    sink = io.BytesIO()
    Image.frombytes("RGB", (side_px, side_px), pixels).save(sink, "PNG")
    return sink.getvalue()


def _write(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
