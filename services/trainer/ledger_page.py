"""The page of a trial in the ledger, as far as the worker reads it too, which knows no arrays.

What a training process says reaches the job by way of heartbeats, seconds late on some back-ends; the ledger is written
first. So whoever takes a job up after a worker was lost asks the ledger which candidates are finished.
"""

import json
import logging

from pydantic import ValidationError

from services.trainer.protocol import is_candidate
from shared.errors import NotFound
from shared.job.job import Trial, TrialState
from shared.json_codec import from_json
from shared.layout import job_folder, ledger_entry
from shared.ports.object_store import ObjectStore

logger = logging.getLogger(__name__)

ENDING = ".json"
"""What the key of a page ends in."""
TRIAL = "trial"
"""Where on the page the trial stands."""


def finished_candidates(objects: ObjectStore, job_id: str) -> tuple[Trial, ...]:
    """Return the trials of candidates that earlier attempts finished, of each the one with the highest fence.

    Whether they were made from what the next attempt works with, its training process finds out.

    Args:
        objects: Where the ledger lies.
        job_id: Whose it is.

    Raises:
        Transient: If the store does not answer.
    """
    found = (_place(stored.key) for stored in objects.list(job_folder(job_id)))
    newest: dict[str, Trial] = {}
    for _, name, key in sorted(place for place in found if place is not None):
        trial = _read(objects, key)
        if trial is not None and trial.state is TrialState.DONE:
            newest[name] = trial
    return tuple(newest.values())


def _place(key: str) -> tuple[int, str, str] | None:
    """Return fence, candidate and key of a candidate's page; ``None`` for any other object."""
    found = ledger_entry(key.removesuffix(ENDING)) if key.endswith(ENDING) else None
    return (*found, key) if found is not None and is_candidate(found[1]) else None


def _read(objects: ObjectStore, key: str) -> Trial | None:
    """Read the trial of a page; one that is damaged or gone counts for nothing here either."""
    try:
        return from_json(Trial, json.loads(objects.read(key))[TRIAL])
    except (NotFound, LookupError, TypeError, ValueError, ValidationError) as error:
        logger.warning("page of the ledger ignored", extra={"object_key": key, "reason": type(error).__name__})
        return None
