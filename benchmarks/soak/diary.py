"""What happened when, for the evidence: every disturbance, every mail, every answer that should not have been."""

import threading
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done to the services.

    Args:
        kind: What was done, such as ``kill``.
        target: To what.
        began: Seconds of :func:`time.time`.
        ended: Likewise; the same for what takes no time.
    """

    kind: str
    target: str
    began: float
    ended: float


@dataclass(slots=True)
class Diary:
    """Safe for threads."""

    entries: list[Entry] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    mails: dict[str, list[float]] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, target: str, began: float) -> None:
        """Keep a disturbance that began then and ends now."""
        with self._lock:
            self.entries.append(Entry(kind=kind, target=target, began=began, ended=time.time()))

    def note_mail(self, job_id: str) -> None:
        """Keep that a mail about a job was accepted."""
        with self._lock:
            self.mails.setdefault(job_id, []).append(time.time())

    def note_oddity(self, text: str) -> None:
        """Keep something that no client should ever see."""
        with self._lock:
            self.oddities.append(f"{time.time() - self.started:.0f} s: {text}")

    def disturbed(self, targets: set[str], began: float, ended: float) -> bool:
        """Tell whether something was done to one of these targets in a time."""
        return any(
            entry.target in targets and entry.began <= ended and entry.ended >= began for entry in list(self.entries)
        )

    def counts(self) -> dict[str, int]:
        """Return how often each kind of disturbance was made to each target."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            name = f"{entry.kind} {entry.target}"
            counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items()))
