"""Brings what a job left onto this disk."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from services.client.api.client import Client
from services.client.api.job_view import JobView
from shared import layout
from shared.errors import UserFault
from shared.layout import Artefact
from shared.process.held_folder import make_held, remove_unheld

FILE_NAMES = {
    "model": layout.FILE_NAMES[Artefact.MODEL_H5],
    "model_keras": layout.FILE_NAMES[Artefact.MODEL_KERAS],
    "model_onnx": layout.FILE_NAMES[Artefact.MODEL_ONNX],
    "model_tflite": layout.FILE_NAMES[Artefact.MODEL_TFLITE],
    "model_tflite_float16": layout.FILE_NAMES[Artefact.MODEL_TFLITE_FLOAT16],
    "model_coreml": layout.FILE_NAMES[Artefact.MODEL_COREML],
    "model_zip": layout.FILE_NAMES[Artefact.MODEL_ZIP],
    "labels": layout.FILE_NAMES[Artefact.LABELS],
    "predict": layout.FILE_NAMES[Artefact.PREDICT],
    "strangers": layout.FILE_NAMES[Artefact.STRANGERS],
    "report": layout.FILE_NAMES[Artefact.REPORT],
    "result": layout.FILE_NAMES[Artefact.RESULT],
    "mail": layout.MAIL_FILE_NAME,
}
"""File by name; what comes over a link is known by the link's name."""
_PREFIX = ".convtailor-fetch-"
"""Begins the names of folders for files on their way; those of commands that were killed go with the next one's."""
_OF_A_NETWORK = frozenset(name for name in FILE_NAMES if name.startswith("model")) | {"strangers"}
"""Without any of these a delivery may be whole; one of an earlier delivery would speak of other classes."""


def fetch(
    client: Client, view: JobView, token: str, folder: Path, *, besides: Mapping[str, Path] | None = None
) -> dict[str, Path]:
    """Download everything a job left; files appear in the folder only when all of them are whole.

    Args:
        client: Speaks with the server of the job.
        view: The job as last seen.
        token: Opens it.
        folder: Made where it is missing; only files of these names are replaced. With a new network, those of an older
            one go that it does not come with: nobody could tell them from its own.
        besides: Files on this disk to put there as well, by name.

    Returns:
        Path by name.

    Raises:
        UserFault: If the job has left nothing so far, or what it left is deleted.
    """
    links = {name: link for name, link in view.links.items() if name in FILE_NAMES and link}
    if view.files_deleted_at is not None:
        raise UserFault(
            "artefact_expired",
            f"What job {view.job_id} left was deleted on {view.files_deleted_at:%Y-%m-%d}.",
            fix="Use the copy that was downloaded before, or submit the photographs again.",
            details={"job_id": view.job_id, "state": view.state.value},
        )
    if not links and not besides:
        raise UserFault(
            "nothing_to_fetch",
            f"Job {view.job_id} is {view.state} and has left no files.",
            fix="Wait for its end with `convtailor watch`, then fetch again.",
            details={"job_id": view.job_id, "state": view.state.value},
        )
    folder.mkdir(parents=True, exist_ok=True)
    scratch, descriptor = make_held(folder, _PREFIX)
    try:
        fetched = {name: scratch / FILE_NAMES[name] for name in links}
        for name, link in links.items():
            client.download(link, token, fetched[name])
        for name, source in (besides or {}).items():
            fetched[name] = shutil.copyfile(source, scratch / FILE_NAMES[name])
        return _move(fetched, folder)
    finally:
        os.close(descriptor)
        remove_unheld(scratch)


def _move(files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Move whole files into a folder on the same disk: flush all, then rename one after the other."""
    for file in files.values():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    moved = {name: file.replace(folder / file.name) for name, file in files.items()}
    if "model" in files or "model_keras" in files:
        for name in _OF_A_NETWORK - files.keys():
            (folder / FILE_NAMES[name]).unlink(missing_ok=True)
    return moved
