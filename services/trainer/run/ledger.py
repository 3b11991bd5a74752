"""Finished trials in the object store, where a successor of this worker finds them."""

import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from services.trainer.run.context import LedgerEntry
from shared.errors import NotFound
from shared.job.job import Trial
from shared.json_codec import from_json, to_json
from shared.layout import ledger_key
from shared.ports.object_store import ObjectStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLedger:
    """The ledger of one job; satisfies :class:`services.trainer.run.context.Ledger`.

    An entry is ``<key>.json`` and, where it has arrays, ``<key>.npz`` beside it; see :func:`shared.layout.ledger_key`.
    The JSON is written last: an entry without it does not exist. Of several entries of one name the one with the
    highest fence counts.

    Args:
        objects: Where it lies.
        job_id: Whose it is.
        fence: Of this worker's claim; it writes below this fence only.
        tell: Takes every trial recorded, after it is durable.
    """

    objects: ObjectStore
    job_id: str
    fence: int
    tell: Callable[[Trial], None]

    def find(self, name: str) -> LedgerEntry | None:
        """Return the entry of that name, by whichever worker it was written, or ``None``."""
        for fence in range(self.fence, 0, -1):
            try:
                return self._read(self._key(fence, name))
            except NotFound:
                continue
            except (ValidationError, ValueError, BadZipFile) as error:
                logger.warning("ledger entry unreadable", extra={"trial": name, "fence": fence, "reason": str(error)})
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
            "trial": to_json(entry.trial),
            "document": dict(entry.document),
            "has_arrays": bool(entry.arrays),
        }
        self.objects.put(f"{key}.json", io.BytesIO(json.dumps(page).encode()), content_type="application/json")
        self.tell(entry.trial)

    def _key(self, fence: int, name: str) -> str:
        return ledger_key(self.job_id, fence, name)

    def _read(self, key: str) -> LedgerEntry:
        page = json.loads(self.objects.read(f"{key}.json"))
        arrays = self._arrays(key) if page["has_arrays"] else {}
        return LedgerEntry(trial=from_json(Trial, page["trial"]), document=page["document"], arrays=arrays)

    def _arrays(self, key: str) -> Mapping[str, NDArray[Any]]:
        with np.load(io.BytesIO(self.objects.read(f"{key}.npz")), allow_pickle=False) as packed:
            return {name: packed[name] for name in packed.files}
