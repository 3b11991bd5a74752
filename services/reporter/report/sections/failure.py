"""What went wrong, in which files, and what to do now."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.reporter.report.blocks import Block, Facts, Listing, Paragraph, Section, Subheading, remainder
from services.reporter.report.downloads import Downloads
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number, one_line, short_name
from shared.errors import Fault
from shared.job.job import Job, JobState
from shared.json_codec import from_json
from shared.text.bound import first_entries
from shared.text.printable import printable_name

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
    title = "What is wrong" if len(faults) == 1 else f"What is wrong: {len(faults)} things"
    return [Section(title=title, blocks=[block for each in faults for block in _told(each, limits)])]


def _told(fault: Fault, limits: Limits) -> list[Block]:
    places, others = _split(fault.details)
    blocks: list[Block] = [
        Subheading(text=one_line(fault.message)),
        Paragraph(text=f"What to do: {one_line(fault.fix)}"),
    ]
    if places:
        total = fault.details.get("count")
        shown = places[: limits.num_files]
        blocks.append(Listing(entries=[(short_name(str(place)), "") for place in shown]))
        blocks += remainder(total if isinstance(total, int) else len(places), len(shown), "file")
    pairs = [*others, ("Code", fault.code)]
    return [*blocks, Facts(pairs=pairs)]


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
    where = f" at {downloads.public_url}" if downloads.public_url else ""
    text = {
        JobState.REJECTED: f"Correct the zip and send it as a new job{where}. One folder per class, photographs "
        "inside; this job is closed.",
        JobState.CANCELLED: f"Whenever you like, send the zip as a new job{where}.",
    }.get(job.state, f"Send the zip as a new job{where} once you have changed what is named above; this job is closed.")
    which = f"Job {job.job_id}" + (f", trained on {one_line(job.device)}" if job.device else "")
    return Section(title="Try again", blocks=[Paragraph(text=text), Paragraph(text=which, is_quiet=True)])


def unknown_fault() -> Fault:
    """Return what is told where no reason was recorded."""
    return Fault(
        code="unknown",
        message="The reason was not recorded.",
        fix="Send the same zip once more; if it ends like this again, tell the operator the number of this job.",
    )
