"""The letter as a outline: what it says for each end of a job, in which order."""

from urllib.parse import urlsplit

from services.reporter.report.blocks import Block, Code, Links, Outline, Paragraph, Section
from services.reporter.report.downloads import Downloads
from services.reporter.report.figures import Figures
from services.reporter.report.limits import Limits
from services.reporter.report.sections.failure import fault_sections
from services.reporter.report.sections.photographs import photograph_section
from services.reporter.report.sections.scoring import (
    class_section,
    confidence_section,
    confusion_section,
    headline,
    mistake_section,
    score_block,
)
from services.reporter.report.sections.training import (
    candidate_section,
    fine_print_section,
    network_section,
    tuning_section,
)
from services.reporter.report.warnings import cautions
from services.reporter.report.wording import enumeration, moment, one_line, percent, shortened
from shared.errors import Fault
from shared.job.job import Job, JobState
from shared.job.result import Result

SNIPPET = """import keras
model = keras.models.load_model("model.h5", compile=False)
photo = keras.utils.img_to_array(keras.utils.load_img("photo.jpg"))
print(model.predict(photo[None].astype("uint8")))"""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def tell(job: Job, result: Result | None, *, figures: Figures, downloads: Downloads, limits: Limits) -> Outline:
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
    return _without_model(job, downloads, limits)


def _with_model(job: Job, result: Result, *, figures: Figures, downloads: Downloads, limits: Limits) -> Outline:
    names = enumeration([shortened(one_line(name), 20) for name in result.classes], most=3)
    score = f"{percent(result.test.accuracy)} right ({names})"
    title, subject = {
        JobState.CANCELLED: ("You stopped it; here is your model so far.", f"Stopped, with a model: {score}"),
        JobState.FAILED: (
            "It did not finish; here is your model so far.",
            f"Not finished, but there is a model: {score}",
        ),
    }.get(job.state, ("Your model is ready.", f"Your model is ready: {score}"))
    opening: list[Block] = [score_block(result), *_link_blocks(downloads), *cautions(result)]
    faults = fault_sections(job.fault, limits) if job.fault is not None else []
    sections = [
        *faults,
        class_section(result, limits),
        confusion_section(result, figures),
        mistake_section(result, figures),
        confidence_section(result),
        _use_section(result),
        candidate_section(result, figures),
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
    )


def _without_model(job: Job, downloads: Downloads, limits: Limits) -> Outline:
    fault = job.fault or _unknown_fault()
    if job.state is JobState.CANCELLED:
        subject, title = "Your job was cancelled", "Your job was cancelled."
        lead = "It was stopped before a network was trained, so there is no model. Nothing else is needed from you."
        sections: list[Section] = []
    elif job.state is JobState.REJECTED:
        subject, title = "Your photographs need a correction first", "Your zip could not be used as it is."
        lead = "Nothing is lost and nothing was trained. Here is what was found and how to correct it."
        sections = fault_sections(fault, limits)
    else:
        subject, title = "Your training did not finish", "Your training did not finish."
        lead = "We are sorry. There is no model from this job. Here is what happened and what you can do."
        sections = fault_sections(fault, limits)
    return Outline(
        subject=subject,
        title=title,
        lead=lead,
        opening=_link_blocks(downloads),
        sections=[*sections, _again_section(job, downloads)],
        footer=_footer(job),
    )


def _link_blocks(downloads: Downloads) -> list[Block]:
    if not downloads.links:
        return []
    if downloads.expires_at is None:
        where = "The links lead to files on the computer that trained the model."
        return [Links(links=downloads.links), Paragraph(text=where, is_quiet=True)]
    until = f"The links work until {moment(downloads.expires_at)} and need no password, so share them with care."
    if urlsplit(downloads.public_url).hostname in _LOOPBACK:
        until += " They lead to convtailor on the computer that trained the model, and only while it runs there."
    return [Links(links=downloads.links), Paragraph(text=until, is_quiet=True)]


def _use_section(result: Result) -> Section:
    order = enumeration([one_line(name) for name in result.classes], most=12)
    return Section(
        title="Use it",
        blocks=[
            Paragraph(text="Give it any photograph, of any size; resizing and scaling happen inside. In plain Keras:"),
            Code(text=SNIPPET),
            Paragraph(
                text=f"It prints one probability per class, in the order of labels.txt: {order}. With names instead, "
                f"and phone photographs turned upright: python predict.py photo.jpg"
            ),
        ],
    )


def _again_section(job: Job, downloads: Downloads) -> Section:
    where = f" at {downloads.public_url}" if downloads.public_url else ""
    text = {
        JobState.REJECTED: f"Correct the zip and send it as a new job{where}. One folder per class, photographs "
        "inside; this job is closed.",
        JobState.CANCELLED: f"Whenever you like, send the zip as a new job{where}.",
    }.get(job.state, f"Send the zip as a new job{where} once you have changed what is named above; this job is closed.")
    which = f"Job {job.job_id}" + (f", trained on {one_line(job.device)}" if job.device else "")
    return Section(title="Try again", blocks=[Paragraph(text=text), Paragraph(text=which, is_quiet=True)])


def _footer(job: Job) -> list[str]:
    text = (
        "convtailor fits networks to photographs. You receive this one message because this address was given for job "
        f"{job.job_id}. If that was not you, nothing more will come."
    )
    return [text]


def _unknown_fault() -> Fault:
    return Fault(
        code="unknown",
        message="The reason was not recorded.",
        fix="Send the same zip once more; if it ends like this again, tell the operator the number of this job.",
    )
