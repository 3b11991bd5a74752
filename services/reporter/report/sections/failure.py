"""What went wrong, in which files, and what to do now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.reporter.report.blocks import Block, Facts, Listing, Paragraph, Section, Subheading, more_files, remainder
from services.reporter.report.downloads import Downloads
from services.reporter.report.limits import Limits
from services.reporter.report.retelling.reason import device_of
from services.reporter.report.wording import number, one_line, short_name
from shared.errors import Fault
from shared.job.job import Job, JobState
from shared.json_codec import from_json
from shared.language.fault import told_in
from shared.language.speech import _, ngettext, spoken
from shared.text.bound import first_entries
from shared.text.printable import printable_name

UNKNOWN = "unknown"
_MOST_NAMED = 12
"""Of a list or an object: a screenful; ``result.json`` and the API have more of them."""


def faults_of(fault: Fault) -> tuple[Fault, ...]:
    """Return the single faults that were found together, or the fault itself."""
    together = fault.details.get("faults")
    if not isinstance(together, Sequence) or isinstance(together, str) or not together:
        return (fault,)
    return tuple(from_json(Fault, each) for each in together)


def fault_sections(fault: Fault, limits: Limits) -> list[Section]:
    """Return what is wrong and how to mend it, each fault with its places."""
    faults = faults_of(fault)
    title = ngettext("What is wrong", "What is wrong: {count} things", len(faults))
    return [Section(title=title, blocks=[block for each in faults for block in _told(each, limits)])]


def _told(fault: Fault, limits: Limits) -> list[Block]:
    places, others = _split(fault.details)
    spoken_of = _in_words(fault)
    blocks: list[Block] = [
        Subheading(text=one_line(spoken_of.message)),
        Paragraph(text=_("What to do: {fix}", fix=one_line(spoken_of.fix))),
    ]
    if places:
        total = fault.details.get("count")
        shown = places[: limits.num_files]
        blocks.append(Listing(entries=[(short_name(str(place)), "") for place in shown]))
        blocks += remainder(total if isinstance(total, int) else len(places), len(shown), more_files)
    # In other languages the details are told with the message, under names that people understand.
    pairs = [*(others if spoken() == "en" else []), (_("Code"), fault.code)]
    return [*blocks, Facts(pairs=pairs)]


def _in_words(fault: Fault) -> Fault:
    """Return a fault in the language that is spoken; one without words of its own in general, with its code beside."""
    told = told_in(spoken(), replace(fault, details=_few(fault.details)))
    if told.message != fault.message or spoken() == "en":
        return told
    if fault.code == UNKNOWN:
        return unknown_fault()
    return replace(
        fault,
        message=_("Something went wrong that only its code names."),
        fix=_("Tell the operator of the service this code and the number of the job."),
    )


def _few(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details without the files, which are listed below."""
    return {name: value for name, value in details.items() if name not in ("files", "faults")}


def _split(details: Mapping[str, Any]) -> tuple[list[Any], list[tuple[str, str]]]:
    """Return the files among the details, and the rest as terms in words."""
    files = details.get("files")
    places = list(files) if isinstance(files, list | tuple) else []
    hidden = {"files", "faults"} | ({"count"} if places else set())
    pairs = [(_term(name), _worded(value)) for name, value in details.items() if name not in hidden and value]
    return places, pairs


def _term(name: str) -> str:
    return one_line(name).replace("_", " ").capitalize()


def _worded(value: Any) -> str:
    """Return a JSON value in words: ``cats: 3, dogs: 120``."""
    if isinstance(value, Mapping):
        pairs = [each if name == "…" else f"{_name(name)}: {_worded(each)}" for name, each in value.items()]
        return ", ".join(first_entries(pairs, _MOST_NAMED))
    if isinstance(value, list | tuple):
        return ", ".join(_worded(each) for each in first_entries(value, _MOST_NAMED))
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    return _name(value)


def _name(value: object) -> str:
    """Return a name on one line; what nobody sees of it is written out, since it may be what is wrong."""
    return short_name(printable_name(str(value)))


def again_section(job: Job, downloads: Downloads) -> Section:
    """Return how to send the photographs once more."""
    blocks: list[Block] = [
        Paragraph(text=_again(job, downloads.public_url)),
        Paragraph(text=_which(job), is_quiet=True),
    ]
    return Section(title=_("Try again"), blocks=blocks)


def _again(job: Job, url: str) -> str:
    if job.state is JobState.REJECTED and url:
        return _(
            "Correct the zip and send it as a new job at {url}. One folder per class, photographs inside; this job is "
            "closed.",
            url=url,
        )
    if job.state is JobState.REJECTED:
        return _(
            "Correct the zip and send it as a new job. One folder per class, photographs inside; this job is closed."
        )
    if job.state is JobState.CANCELLED and url:
        return _("Whenever you like, send the zip as a new job at {url}.", url=url)
    if job.state is JobState.CANCELLED:
        return _("Whenever you like, send the zip as a new job.")
    if url:
        return _(
            "Send the zip as a new job at {url}, changed where that is asked for above; this job is closed.", url=url
        )
    return _("Send the zip as a new job, changed where that is asked for above; this job is closed.")


def _which(job: Job) -> str:
    if job.device:
        return _("Job {number}, trained on {device}", number=job.job_id, device=device_of(job.device))
    return _("Job {number}", number=job.job_id)


def unknown_fault() -> Fault:
    """Return what is told where no reason was recorded."""
    return Fault(
        code=UNKNOWN,
        message=_("The reason was not recorded."),
        fix=_("Send the same zip once more; if it ends like this again, tell the operator the number of this job."),
    )
