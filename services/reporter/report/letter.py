"""The letter of a job that came to an end, and the page that says the same without size limits, in its language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.reporter.report.blocks import Gallery, Outline, Plot
from services.reporter.report.downloads import Downloads
from services.reporter.report.figures import Figures, Picture
from services.reporter.report.limits import MAIL, PAGE
from services.reporter.report.outline import outline_of
from services.reporter.report.rendering import render_mail, render_page, render_text
from services.reporter.report.wording import isolated, one_line
from shared.job.job import Job
from shared.job.result import Result
from shared.language.speech import speaking


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is mailed.

    Args:
        subject: One line.
        text: The plain-text part.
        html: The same content in HTML; pictures by ``cid:``.
        pictures: Those that ``html`` points at, each once.
    """

    subject: str
    text: str
    html: str
    pictures: Sequence[Picture]


def write_letter(job: Job, result: Result | None, *, figures: Figures, downloads: Downloads) -> Letter:
    """Return the mail about the end of a job.

    Args:
        job: In one of :data:`shared.job.job.MAILED_STATES`.
        result: What was trained, if anything was.
        figures: Pictures of the result; empty without one.
        downloads: Links to what may be fetched.
    """
    with speaking(job.options.language):
        outline = outline_of(job, result, figures=figures, downloads=downloads, limits=MAIL)
        return Letter(
            subject=isolated(one_line(outline.subject)),
            text=render_text(outline),
            html=render_mail(outline),
            pictures=tuple(_pictures(outline)),
        )


def write_page(job: Job, result: Result | None, *, figures: Figures, downloads: Downloads) -> str:
    """Return ``report.html``, which needs nothing beside it; arguments as for :func:`write_letter`."""
    with speaking(job.options.language):
        return render_page(outline_of(job, result, figures=figures, downloads=downloads, limits=PAGE))


def _pictures(outline: Outline) -> Iterator[Picture]:
    for block in [*outline.opening, *(block for section in outline.sections for block in section.blocks)]:
        if isinstance(block, Plot):
            yield block.picture
        elif isinstance(block, Gallery):
            yield from (each.picture for each in block.exhibits if each.picture is not None)
