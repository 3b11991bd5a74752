"""What a person may fetch, as signed links or as files on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from services.reporter.report.blocks import Link
from shared.job.job import Job
from shared.layout import FILE_NAMES, Artefact, report_key
from shared.ports.object_store import ObjectStore

_LABELS = {
    Artefact.MODEL_ZIP: "Download the model, ready to use (.zip)",
    Artefact.MODEL_H5: "Download the model (.h5)",
    Artefact.REPORT: "Open the full report",
}
"""The main ones; the others are called by their file names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long the service keeps what it has of a job.

    Args:
        files_until: Networks, result and report.
        photographs_until: The archive; ``None`` where it is deleted.
    """

    files_until: datetime
    photographs_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """What the person may fetch.

    Args:
        links: Signed addresses, the most wanted first.
        expires_at: When they end; ``None`` without links, or where they never do.
        public_url: Where a new job can be sent.
        kept: How long that is; ``None`` where the service goes as soon as its job is done.
        are_beside: Whether they lead to files in the folder of the page itself.
    """

    links: Sequence[Link] = ()
    expires_at: datetime | None = None
    public_url: str = ""
    kept: Kept | None = None
    are_beside: bool = False


def signed_downloads(
    job: Job, objects: ObjectStore, *, valid_for: timedelta, public_url: str, with_report: bool = True
) -> Downloads:
    """Sign links to everything the job left.

    Args:
        job: As it ended.
        objects: Signs.
        valid_for: How long the links work.
        public_url: Where a new job can be sent.
        with_report: Whether to link to the page; it does not link to itself.
    """
    links, expiries = [], []
    for label, key, filename, is_main in _left_by(job, with_report=with_report):
        signed = objects.sign_download(key, filename=filename, valid_for=valid_for)
        links.append(Link(label=label, url=signed.url, is_main=is_main))
        expiries.append(signed.expires_at)
    return Downloads(links=links, expires_at=min(expiries, default=None), public_url=public_url)


def local_downloads(job: Job, folder: Path, *, with_report: bool = True) -> Downloads:
    """Link to everything the job left as files in a folder of this machine.

    Args:
        job: As it ended.
        folder: Where somebody brings the files, under the names that downloads have.
        with_report: Whether to link to the page. The page does not link to itself, and its links are relative: it lies
            in that folder, which may be moved.
    """
    found = _left_by(job, with_report=with_report)
    root = folder.resolve()
    links = [
        Link(label=label, url=(root / name).as_uri() if with_report else quote(name), is_main=is_main)
        for label, _, name, is_main in found
    ]
    return Downloads(links=links, are_beside=not with_report)


def _left_by(job: Job, *, with_report: bool) -> list[tuple[str, str, str, bool]]:
    """Return label, key, file name and importance of everything there is to fetch."""
    left = job.artefacts
    found = (
        (Artefact.MODEL_ZIP, left.model_zip),
        (Artefact.MODEL_H5, left.model_h5),
        (Artefact.REPORT, report_key(job.job_id) if with_report else None),
        (Artefact.MODEL_KERAS, left.model_keras),
        (Artefact.MODEL_ONNX, left.model_onnx),
        (Artefact.MODEL_TFLITE, left.model_tflite),
        (Artefact.MODEL_TFLITE_FLOAT16, left.model_tflite_float16),
        (Artefact.LABELS, left.labels),
        (Artefact.PREDICT, left.predict),
        (Artefact.RESULT, left.result),
    )
    return [
        (_LABELS.get(artefact, FILE_NAMES[artefact]), key, FILE_NAMES[artefact], artefact in _LABELS)
        for artefact, key in found
        if key is not None
    ]
