"""The report of a folder of results, made anew from what lies there."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.onebox.results.folder import Results
from services.reporter.report.downloads import local_downloads
from services.reporter.report.letter import write_page
from services.reporter.report.plots.drawer import Drawer
from shared.clock import utc_now
from shared.job.findings.comparison import Comparison
from shared.job.job import Artefacts, Job, JobState, Upload
from shared.job.options import JobOptions
from shared.job.result import Result
from shared.json_codec import to_json
from shared.language.catalogue import LANGUAGES, Language
from shared.language.speech import speaking
from shared.layout import FILE_NAMES, Artefact

_HEAD_CHARACTERS = 200
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def write_report(folder: Path, result: Result, language: Language | None = None) -> Path:
    """Write ``report.html`` into a folder of results, with links to what lies beside it; return its path.

    Args:
        folder: Where.
        result: What it is to say.
        language: That it is to be written in; ``None``: that of the report which lies there, or English.

    Raises:
        OSError: If it cannot be written.
    """
    path = folder / FILE_NAMES[Artefact.REPORT]
    job = _job_of(folder, result, language or _language_of(path))
    drawer = Drawer()
    try:
        with speaking(job.options.language):
            figures, downloads = drawer.draw(result), local_downloads(job, folder, with_report=False)
    finally:
        drawer.end()
    page = write_page(job, result, figures=figures, downloads=downloads)
    scratch = path.with_suffix(".part")
    scratch.write_text(page, encoding="utf-8")
    return scratch.replace(path)


def add_to_results(found: Results, comparison: Comparison) -> None:
    """Tell in the result and the report of a folder how the network does beside an older one.

    Raises:
        OSError: If they cannot be written.
    """
    result = replace(found.result, comparison=comparison)
    path = found.folder / FILE_NAMES[Artefact.RESULT]
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(to_json(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    scratch.replace(path)
    write_report(found.folder, result)


def _language_of(report: Path) -> Language:
    """Return what a report is written in; English where there is none, or where it does not say."""
    try:
        with report.open(encoding="utf-8", errors="replace") as file:
            told = re.search(r'<html lang="(\w+)"', file.read(_HEAD_CHARACTERS))
    except OSError:
        return Language.ENGLISH
    return Language(told[1]) if told is not None and told[1] in LANGUAGES else Language.ENGLISH


def _job_of(folder: Path, result: Result, language: Language) -> Job:
    """Return as much of the job as a report tells of: how it ended, and which files there are."""
    there = {name.value: str(folder / file) for name, file in FILE_NAMES.items() if (folder / file).is_file()}
    now = utc_now()
    job = Job(
        job_id=result.job_id,
        email="",
        token_hash="",
        options=JobOptions(language=language),
        state=JobState.CANCELLED if result.stopped_because == "cancelled" else JobState.DONE,
        created_at=now,
        updated_at=now,
        upload=Upload(object_key="", max_bytes=0, expires_at=_NEVER),
        device=result.device,
    )
    return replace(job, artefacts=Artefacts(**there))
