"""Finished trials in the object store, where a successor of this worker finds them."""

import io
import json
import logging
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from services.trainer.ledger_page import ENDING, TRIAL
from services.trainer.run.context import LedgerEntry
from services.trainer.run.identity import Facts, objection
from shared.errors import NotFound
from shared.job.job import Trial
from shared.json_codec import from_json, to_json
from shared.layout import ledger_key
from shared.ports.object_store import ObjectStore

logger = logging.getLogger(__name__)

LEDGER_VERSION = 4
"""Raise it when an entry's document or arrays change their meaning; entries of other versions then no longer count."""
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, EOFError, OSError, BadZipFile, zlib.error)
"""What damaged pages and arrays end in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLedger:
    """The ledger of one job; satisfies :class:`services.trainer.run.context.Ledger`.

    An entry is ``<key>.json`` and, where it has arrays, ``<key>.npz`` beside it; see :func:`shared.layout.ledger_key`.
    The JSON is written last: an entry without it does not exist. Of several entries of one name that were made from
    the same facts, the one with the highest fence counts.

    Args:
        objects: Where it lies.
        job_id: Whose it is.
        fence: Of this worker's claim; it writes below this fence only.
        tell: Takes every trial that is recorded, after it is durable, and that of another worker when it is found.
        made_from: What entries must have been made from to count; written into every one.
    """

    objects: ObjectStore
    job_id: str
    fence: int
    tell: Callable[[Trial], None]
    made_from: Facts = field(default_factory=lambda: {"ledger_version": LEDGER_VERSION})

    def of(self, facts: Facts) -> Self:
        """Return the same ledger for what is made from these facts too."""
        return replace(self, made_from={**self.made_from, **facts})

    def find(self, name: str) -> LedgerEntry | None:
        """Return the entry of that name that counts, by whichever worker it was written, or ``None``."""
        for fence in range(self.fence, 0, -1):
            try:
                found = self._read(self._key(fence, name))
            except NotFound:
                continue
            if isinstance(found, LedgerEntry):
                if found.is_shown and fence < self.fence:
                    self.tell(found.trial)  # whoever recorded it may have died before anybody heard of it
                return found
            logger.warning("ledger entry ignored", extra={"trial": name, "fence": fence, "reason": found})
        return None

    def record(self, entry: LedgerEntry) -> None:
        """Keep an entry durably, in place of one of the same name."""
        key = self._key(self.fence, entry.trial.name)
        if entry.arrays:
            packed = io.BytesIO()
            np.savez(packed, **dict(entry.arrays))  # type: ignore[arg-type]  # its stub takes no ** of arrays
            packed.seek(0)
            self.objects.put(f"{key}.npz", packed, content_type="application/zip")
        page = {
            "made_from": dict(self.made_from),
            TRIAL: to_json(entry.trial),
            "is_shown": entry.is_shown,
            "document": dict(entry.document),
            "has_arrays": bool(entry.arrays),
        }
        self.objects.put(f"{key}{ENDING}", io.BytesIO(json.dumps(page).encode()), content_type="application/json")
        if entry.is_shown:
            self.tell(entry.trial)

    def _key(self, fence: int, name: str) -> str:
        return ledger_key(self.job_id, fence, name)

    def _read(self, key: str) -> LedgerEntry | str:
        """Return an entry, or the reason why it does not count."""
        data = self.objects.read(f"{key}{ENDING}")
        try:
            page = json.loads(data)
            return objection(page.get("made_from"), self.made_from) or self._entry(key, page)
        except (NotFound, *_UNREADABLE) as error:
            return f"it cannot be read: {type(error).__name__}: {error}"

    def _entry(self, key: str, page: Mapping[str, Any]) -> LedgerEntry:
        return LedgerEntry(
            trial=from_json(Trial, page[TRIAL]),
            document=page["document"],
            arrays=self._arrays(key) if page["has_arrays"] else {},
            is_shown=page["is_shown"],
        )

    def _arrays(self, key: str) -> Mapping[str, NDArray[Any]]:
        with np.load(io.BytesIO(self.objects.read(f"{key}.npz")), allow_pickle=False) as packed:
            return {name: packed[name] for name in packed.files}
