"""Where everything lies: the key of every object in the store, the name of every file that people receive. Pure.

    uploads/<job_id>/archive.zip                  the archive, as it was sent
    uploads/<job_id>/handover.json                what a job that is trained again from another's archive was handed
    jobs/<job_id>/report.html                     the report, the same for every attempt: links of a repeated mail agree
    jobs/<job_id>/<fence>/model.h5 …              what the attempt with that fencing token leaves
    jobs/<job_id>/<fence>/ledger/<trial>.json     a finished trial of that attempt, its arrays beside it as ….npz

What expires, who may read what, and which uploads are announced is decided by the two folders at the top.
"""

import re
from enum import StrEnum

UPLOADS, JOBS = "uploads/", "jobs/"
_ARCHIVE = re.compile(rf"{UPLOADS}([^/]+)/archive\.zip")
_OWNED = re.compile(rf"(?:{UPLOADS}|{JOBS})([^/]+)/.+")
_LEDGER_ENTRY = re.compile(rf"{JOBS}[^/]+/([1-9][0-9]*)/ledger/(.+)")


class Artefact(StrEnum):
    """What a job leaves in the store, by the field of :class:`shared.job.job.Artefacts` that holds its key."""

    MODEL_H5 = "model_h5"
    MODEL_KERAS = "model_keras"
    MODEL_ONNX = "model_onnx"
    MODEL_TFLITE = "model_tflite"
    MODEL_TFLITE_FLOAT16 = "model_tflite_float16"
    MODEL_COREML = "model_coreml"
    MODEL_ZIP = "model_zip"
    LABELS = "labels"
    PREDICT = "predict"
    STRANGERS = "strangers"
    REPORT = "report"
    RESULT = "result"


FILE_NAMES = {
    Artefact.MODEL_H5: "model.h5",
    Artefact.MODEL_KERAS: "model.keras",
    Artefact.MODEL_ONNX: "model.onnx",
    Artefact.MODEL_TFLITE: "model.tflite",
    Artefact.MODEL_TFLITE_FLOAT16: "model_float16.tflite",
    Artefact.MODEL_COREML: "model.mlpackage.zip",
    Artefact.MODEL_ZIP: "model.zip",
    Artefact.LABELS: "labels.txt",
    Artefact.PREDICT: "predict.py",
    Artefact.STRANGERS: "strangers.json",
    Artefact.REPORT: "report.html",
    Artefact.RESULT: "result.json",
}
"""What each is called on the disk of the person who fetches it, and at the end of its key."""

MODEL_DOCUMENT = "model.json"
"""What programs need to know of a network, in :attr:`Artefact.MODEL_ZIP`."""

OTHER_FORMATS = {
    "onnx": Artefact.MODEL_ONNX,
    "tflite_float16": Artefact.MODEL_TFLITE_FLOAT16,
    "tflite": Artefact.MODEL_TFLITE,
    "coreml": Artefact.MODEL_COREML,
}
"""Formats of a network beside Keras's own, as settings and requests name them; the most wanted first."""

SPLITS_TABLE, PREDICTIONS_TABLE, SUSPECTS_TABLE = "splits.csv", "predictions.csv", "suspects.csv"
"""Tables in ``model.zip``: which file served for what, and what the network said in the test."""
CACHE_FOLDER = "convtailor"
"""Folder among the caches of an account."""
CALIBRATION_FILE_NAME = "calibration.json"
"""What is kept there between jobs: how fast this machine is."""
MAIL_FILE_NAME = "mail.eml"
"""What the mail is called beside them, where it never left this machine."""


def archive_key(job_id: str) -> str:
    """Return where the archive of a job is uploaded to."""
    return f"{UPLOADS}{job_id}/archive.zip"


def handover_key(job_id: str) -> str:
    """Return where lies what a job that is trained again was handed by the first; it goes with its archive."""
    return f"{UPLOADS}{job_id}/handover.json"


def job_of_archive(key: str) -> str | None:
    """Return whose archive lies under a key, ``None`` where the key is none of an archive."""
    found = _ARCHIVE.fullmatch(key)
    return found[1] if found else None


def job_of_key(key: str) -> str | None:
    """Return whose object lies under a key, of whichever kind; ``None`` where the key is none of ours."""
    found = _OWNED.fullmatch(key)
    return found[1] if found else None


def report_key(job_id: str) -> str:
    """Return where the report of a job lies."""
    return f"{JOBS}{job_id}/{FILE_NAMES[Artefact.REPORT]}"


def artefact_key(job_id: str, fence: int, artefact: Artefact) -> str:
    """Return where an attempt puts what it leaves.

    Args:
        job_id: Whose it is.
        fence: Of the attempt's claim.
        artefact: Any but the report, which belongs to the job and not to one of its attempts.
    """
    return f"{JOBS}{job_id}/{fence}/{FILE_NAMES[artefact]}"


def ledger_key(job_id: str, fence: int, trial: str) -> str:
    """Return where an attempt keeps a finished trial, less the ending: ``.json``, and ``.npz`` for its arrays."""
    return f"{JOBS}{job_id}/{fence}/ledger/{trial}"


def ledger_entry(key: str) -> tuple[int, str] | None:
    """Return the fence and the trial of a key of the ledger, less the ending; ``None`` for a key of anything else."""
    found = _LEDGER_ENTRY.fullmatch(key)
    return (int(found[1]), found[2]) if found else None


def job_folder(job_id: str) -> str:
    """Return the prefix of all keys that a job has but its archive's."""
    return f"{JOBS}{job_id}/"


def folders_of(job_id: str) -> tuple[str, str]:
    """Return the prefixes of all keys that a job has."""
    return f"{UPLOADS}{job_id}/", job_folder(job_id)
