"""The letter of a job that came to an end, and the page that says the same without size limits. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.reporter.block import Gallery, Plot, Story
from services.reporter.extent import MAIL, PAGE
from services.reporter.offer import Offer
from services.reporter.picture import Album, Picture
from services.reporter.stationery import render_mail, render_page, render_text
from services.reporter.story import tell
from services.reporter.wording import one_line
from shared.job import Job
from shared.result import Result


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


def write_letter(job: Job, result: Result | None, *, album: Album, offer: Offer) -> Letter:
    """Return the mail about the end of a job.

    Args:
        job: In one of :data:`shared.job.MAILED_STATES`.
        result: What was trained, if anything was.
        album: Pictures of the result; empty without one.
        offer: Links to what may be fetched.
    """
    story = tell(job, result, album=album, offer=offer, extent=MAIL)
    return Letter(
        subject=one_line(story.subject),
        text=render_text(story),
        html=render_mail(story),
        pictures=tuple(_pictures(story)),
    )


def write_page(job: Job, result: Result | None, *, album: Album, offer: Offer) -> str:
    """Return ``report.html``, which needs nothing beside it; arguments as for :func:`write_letter`."""
    return render_page(tell(job, result, album=album, offer=offer, extent=PAGE))


def _pictures(story: Story) -> Iterator[Picture]:
    for block in [*story.opening, *(block for section in story.sections for block in section.blocks)]:
        if isinstance(block, Plot):
            yield block.picture
        elif isinstance(block, Gallery):
            yield from (each.picture for each in block.exhibits if each.picture is not None)
