"""What is said about each end of a job, and in which order."""

from dataclasses import replace
from urllib.parse import urlsplit

from services.reporter.report.blocks import Block, Links, Outline, Paragraph, Section
from services.reporter.report.downloads import Downloads, Kept
from services.reporter.report.figures import Figures
from services.reporter.report.limits import Limits
from services.reporter.report.sections.advice.certainty import certainty_section
from services.reporter.report.sections.advice.growth import growth_section
from services.reporter.report.sections.advice.suspects import suspect_section
from services.reporter.report.sections.advice.to_do import to_do_section
from services.reporter.report.sections.classes import class_section
from services.reporter.report.sections.confusions import confusion_section
from services.reporter.report.sections.failure import again_section, fault_sections, unknown_fault
from services.reporter.report.sections.fine_print import fine_print_section
from services.reporter.report.sections.headline import (
    comparison_section,
    headline,
    is_useless,
    score_block,
)
from services.reporter.report.sections.mistakes import confidence_section, focus_section, mistake_section
from services.reporter.report.sections.network import network_section
from services.reporter.report.sections.photographs import photograph_section
from services.reporter.report.sections.training.compared import candidate_section
from services.reporter.report.sections.training.tuning import tuning_section
from services.reporter.report.sections.use import use_section
from services.reporter.report.warnings import warnings_about
from services.reporter.report.wording import enumeration, moment, one_line, percent
from shared.job.job import Job, JobState
from shared.job.result import Result
from shared.job.verdict.words import title_of
from shared.language.speech import _, ngettext
from shared.text.printable import shortened

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def outline_of(job: Job, result: Result | None, *, figures: Figures, downloads: Downloads, limits: Limits) -> Outline:
    """Return what there is to say about a job that came to an end.

    Args:
        job: In one of :data:`shared.job.job.MAILED_STATES`.
        result: What was trained, if anything was.
        figures: Pictures of the result.
        downloads: Links.
        limits: How much of what is long.
    """
    if result is not None:
        return _with_model(job, result, figures=figures, downloads=downloads, limits=limits)
    return _without_result(job, downloads, limits)


def _with_model(job: Job, result: Result, *, figures: Figures, downloads: Downloads, limits: Limits) -> Outline:
    title, subject = _heading(job, result)
    links = _link_blocks(job, downloads, is_inviting=not is_useless(result))
    opening: list[Block] = [score_block(result), *links, *warnings_about(result)]
    faults = fault_sections(job.fault, limits) if job.fault is not None else []
    sections = [
        *faults,
        to_do_section(result),
        comparison_section(result),
        class_section(result, limits),
        confusion_section(result, figures, limits),
        mistake_section(result, figures, limits),
        focus_section(result, figures, limits),
        suspect_section(result, figures, limits),
        certainty_section(result, figures, limits),
        confidence_section(result),
        growth_section(result, figures, limits),
        use_section(result),
        candidate_section(result, figures, limits),
        tuning_section(result, figures),
        photograph_section(result, limits),
        network_section(result, limits),
        fine_print_section(result),
    ]
    return Outline(
        subject=subject,
        title=title,
        lead=headline(result),
        opening=opening,
        sections=[section for section in sections if section is not None],
        footer=_footer(job),
        is_warning=is_useless(result),
    )


def _heading(job: Job, result: Result) -> tuple[str, str]:
    """Return title and subject of a job that has a network."""
    verdict = title_of(result)
    values = {
        "verdict": f"{verdict[0].lower()}{verdict[1:]}",
        "accuracy": percent(result.test.accuracy),
        "names": enumeration([shortened(one_line(name), 20) for name in result.classes], most=3),
    }
    if job.state is JobState.CANCELLED:
        return (
            _("You stopped it; here is your model so far."),
            _("Stopped, with a model: {verdict}, {accuracy} right ({names})", **values),
        )
    if job.state is JobState.FAILED:
        return (
            _("It did not finish; here is your model so far."),
            _("Not finished, but there is a model: {verdict}, {accuracy} right ({names})", **values),
        )
    return f"{verdict}.", _("Your model: {verdict}, {accuracy} right ({names})", **values)


def _without_result(job: Job, downloads: Downloads, limits: Limits) -> Outline:
    fault = job.fault or unknown_fault()
    sections: list[Section] = fault_sections(fault, limits)
    if job.artefacts.model_h5 is not None:
        subject, title = _("Your model is there, its report is not"), _("Your model is there, its report is not.")
        lead = _("We are sorry. A network was trained and can be downloaded; how good it is could not be written down.")
    elif job.state is JobState.CANCELLED:
        subject, title = _("Your job was cancelled"), _("Your job was cancelled.")
        lead = _("It was stopped before a network was trained, so there is no model. Nothing else is needed from you.")
        sections = []
    elif job.state is JobState.REJECTED:
        subject, title = _("Your photographs need a correction first"), _("Your zip could not be used as it is.")
        lead = _("Nothing is lost and nothing was trained. Here is what was found and how to correct it.")
    else:
        subject, title = _("Your training did not finish"), _("Your training did not finish.")
        lead = _("We are sorry. There is no model from this job. Here is what happened and what you can do.")
    return Outline(
        subject=subject,
        title=title,
        lead=lead,
        opening=_link_blocks(job, downloads),
        sections=[*sections, again_section(job, downloads)],
        footer=_footer(job),
    )


def _link_blocks(job: Job, downloads: Downloads, *, is_inviting: bool = True) -> list[Block]:
    """Return the links, how long they work, and how long what they lead to is kept; buttons only where they invite."""
    links = downloads.links if is_inviting else [replace(link, is_main=False) for link in downloads.links]
    kept = [Paragraph(text=_kept(job, downloads.kept), is_quiet=True)] if downloads.kept is not None else []
    if not downloads.links:
        return [*kept]
    if downloads.expires_at is None:
        where = _where(len(links), are_beside=downloads.are_beside)
        return [Links(links=links), Paragraph(text=where, is_quiet=True), *kept]
    until = [
        _(
            "The links work until {moment} and need no password, so share them with care.",
            moment=moment(downloads.expires_at),
        )
    ]
    if urlsplit(downloads.public_url).hostname in _LOOPBACK:
        until.append(_("They lead to convtailor on the computer that the job ran on, and only while it runs there."))
    return [Links(links=links), Paragraph(text=" ".join(until), is_quiet=True), *kept]


def _where(num_links: int, *, are_beside: bool) -> str:
    if are_beside:
        return ngettext(
            "The link leads to a file in the folder of this page.",
            "The links lead to files in the folder of this page.",
            num_links,
        )
    return ngettext(
        "The link leads to a file on the computer that the job ran on.",
        "The links lead to files on the computer that the job ran on.",
        num_links,
    )


def _kept(job: Job, kept: Kept) -> str:
    photographs = (
        _("Your photographs were deleted before this was sent.")
        if kept.photographs_until is None
        else _("Your photographs are kept until {moment}.", moment=moment(kept.photographs_until))
    )
    files = (
        _(
            "This report is kept until {moment}, then deleted with your address: download what you want to keep.",
            moment=moment(kept.files_until),
        )
        if job.artefacts.model_h5 is None
        else _(
            "The network and this report are kept until {moment}, then deleted with your address: download what you "
            "want to keep.",
            moment=moment(kept.files_until),
        )
    )
    return f"{photographs} {files}"


def _footer(job: Job) -> list[str]:
    text = _(
        "convtailor fits networks to photographs. You receive this one message because this address was given for job "
        "{number}. If that was not you, nothing more will come.",
        number=job.job_id,
    )
    return [text]
