"""Where it was sure and wrong, and how far its confidence may be trusted."""

from services.reporter.report.blocks import Block, Exhibit, Gallery, Paragraph, Section, Subheading
from services.reporter.report.figures import MOST_MISTAKES, Figures, class_focus_name, heat_name, hit_name, mistake_name
from services.reporter.report.limits import Limits
from services.reporter.report.wording import NBSP, one_line, percent, short_name
from shared.job.result import Result
from shared.text.printable import shortened
from shared.wording import count

_TRUSTED_GAP = 0.05


def mistake_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return the most confident mistakes with thumbnails; ``None`` where there were none."""
    mistakes = result.test.mistakes[:MOST_MISTAKES]
    if not mistakes:
        return None
    exhibits = [
        Exhibit(
            picture=figures.get(mistake_name(position)),
            title=f"said {shortened(one_line(mistake.predicted), 40)}",
            text=f"filed as {shortened(one_line(mistake.actual), 40)}; {percent(mistake.confidence)} sure",
            place=short_name(mistake.path),
            heat=figures.get(heat_name(mistake_name(position))) if limits.has_folds else None,
        )
        for position, mistake in enumerate(mistakes)
    ]
    text = (
        "The test photographs that it was surest about and still got wrong. Look whether one of them lies in the wrong "
        "folder: correcting labels often helps more than any tuning."
    )
    return Section(title="Its most confident mistakes", blocks=[Paragraph(text=text), Gallery(exhibits=exhibits)])


def focus_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return where the network looked, in a few hits and on the mean of every class; of the page alone."""
    focus = result.focus
    if focus is None or not limits.has_folds or not (focus.hits or focus.classes):
        return None
    hits = [
        Exhibit(
            picture=figures.get(hit_name(position)),
            title=shortened(one_line(hit.actual), 40),
            text=f"{percent(hit.confidence)} sure, rightly",
            place=short_name(hit.path),
            heat=figures.get(heat_name(hit_name(position))),
        )
        for position, hit in enumerate(focus.hits)
    ]
    means = [
        Exhibit(
            picture=figures.get(class_focus_name(position)),
            title=shortened(one_line(each.name), 40),
            text=f"mean of {count(each.num_images, 'photograph')}",
            place="",
        )
        for position, each in enumerate(focus.classes)
    ]
    text = (
        "What spoke for its answer stays bright, the rest is dark; each place's part in the score is computed exactly. "
        "Look whether it is the thing itself that is bright, and not the table, the label or the corner of the room: "
        "a network that looks there fails where these change."
    )
    blocks: list[Block] = [Paragraph(text=text)]
    blocks += [Gallery(exhibits=hits)] if hits else []
    blocks += (
        [Subheading(text="Class by class, on the mean over photographs"), Gallery(exhibits=means)] if means else []
    )
    return Section(title="Where it looks", blocks=blocks)


def confidence_section(result: Result) -> Section:
    """Return in words how far the probabilities may be trusted."""
    calibration = result.test.calibration
    gap = percent(calibration.error_after, 0 if calibration.error_after >= 0.1 else 1).replace(f"{NBSP}%", "")  # noqa: PLR2004
    lead = (
        "You can take its probabilities at their word"
        if calibration.error_after <= _TRUSTED_GAP
        else "Take its probabilities as a rough guide"
    )
    text = (
        f"{lead}: on average, how sure it says it is differs from how often it is right by {gap} percentage points on "
        f"the test photographs."
    )
    detail = (
        f"Expected calibration error {percent(calibration.error_before, 1)} before and "
        f"{percent(calibration.error_after, 1)} after scaling (T = {calibration.temperature:.2f}, fitted on "
        f"the validation photographs and built into the model)."
    )
    return Section(title="How sure it is", blocks=[Paragraph(text=text), Paragraph(text=detail, is_quiet=True)])
