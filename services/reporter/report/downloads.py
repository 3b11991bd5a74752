"""What a person may fetch, as signed links or as files on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from services.reporter.report.blocks import Link
from shared.access.signed_link import LinkGrant, LinkKind, SignedLinks
from shared.job.job import Job
from shared.language.speech import _, marked
from shared.layout import FILE_NAMES, Artefact, report_key

_LABELS = {
    Artefact.MODEL_ZIP: marked("Download the model, ready to use (.zip)"),
    Artefact.MODEL_H5: marked("Download the model (.h5)"),
    Artefact.REPORT: marked("Open the full report"),
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
    job: Job, links: SignedLinks, *, expires_at: datetime, public_url: str, with_report: bool = True
) -> Downloads:
    """Link to everything the job left, by way of intake.

    Args:
        job: As it ended.
        links: Makes the links.
        expires_at: When they end.
        public_url: Where a new job can be sent.
        with_report: Whether to link to the page; it does not link to itself.
    """
    made = [
        _link(job, artefact, links.url(grant))
        for artefact in _left_by(job, with_report=with_report)
        for grant in [LinkGrant(kind=LinkKind.FETCH, job_id=job.job_id, expires_at=expires_at, artefact=artefact)]
    ]
    return Downloads(links=made, expires_at=expires_at if made else None, public_url=public_url)


def local_downloads(job: Job, folder: Path, *, with_report: bool = True) -> Downloads:
    """Link to everything the job left as files in a folder of this machine.

    Args:
        job: As it ended.
        folder: Where somebody brings the files, under the names that downloads have.
        with_report: Whether to link to the page. The page does not link to itself, and its links are relative: it lies
            in that folder, which may be moved.
    """
    root = folder.resolve()
    links = [
        _link(job, artefact, (root / FILE_NAMES[artefact]).as_uri() if with_report else quote(FILE_NAMES[artefact]))
        for artefact in _left_by(job, with_report=with_report)
    ]
    return Downloads(links=links, are_beside=not with_report)


def _link(job: Job, artefact: Artefact, url: str) -> Link:
    if artefact is Artefact.REPORT and job.artefacts.result is None:
        return Link(label=_("Open this as a page"), url=url)  # without a result it says no more than the mail
    is_main = artefact in _LABELS
    return Link(label=_(_LABELS[artefact]) if is_main else FILE_NAMES[artefact], url=url, is_main=is_main)


def _left_by(job: Job, *, with_report: bool) -> list[Artefact]:
    """Return everything there is to fetch, the most wanted first."""
    left = job.artefacts
    found = (
        (Artefact.MODEL_ZIP, left.model_zip),
        (Artefact.MODEL_H5, left.model_h5),
        (Artefact.REPORT, report_key(job.job_id) if with_report else None),
        (Artefact.MODEL_KERAS, left.model_keras),
        (Artefact.MODEL_ONNX, left.model_onnx),
        (Artefact.MODEL_TFLITE, left.model_tflite),
        (Artefact.MODEL_TFLITE_FLOAT16, left.model_tflite_float16),
        (Artefact.MODEL_COREML, left.model_coreml),
        (Artefact.LABELS, left.labels),
        (Artefact.PREDICT, left.predict),
        (Artefact.STRANGERS, left.strangers),
        (Artefact.RESULT, left.result),
    )
    return [artefact for artefact, key in found if key is not None]
