"""Where it was sure and wrong, and how far its confidence may be trusted."""

from services.reporter.report.blocks import Block, Exhibit, Gallery, Paragraph, Section, Subheading
from services.reporter.report.figures import MOST_MISTAKES, Figures, class_focus_name, heat_name, hit_name, mistake_name
from services.reporter.report.limits import Limits
from services.reporter.report.wording import decimal, hundredths, one_line, percent, photographs, short_name
from shared.job.result import Result
from shared.language.speech import _
from shared.text.printable import shortened

_TRUSTED_GAP = 0.05


def mistake_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return the most confident mistakes with thumbnails; ``None`` where there were none."""
    mistakes = result.test.mistakes[:MOST_MISTAKES]
    if not mistakes:
        return None
    exhibits = [
        Exhibit(
            picture=figures.get(mistake_name(position)),
            title=_("said {name}", name=shortened(one_line(mistake.predicted), 40)),
            text=_(
                "filed as {name}; {share} sure",
                name=shortened(one_line(mistake.actual), 40),
                share=percent(mistake.confidence),
            ),
            place=short_name(mistake.path),
            heat=figures.get(heat_name(mistake_name(position))) if limits.has_folds else None,
        )
        for position, mistake in enumerate(mistakes)
    ]
    text = _(
        "The test photographs that it was surest about and still got wrong. Look whether one of them lies in the wrong "
        "folder: correcting labels often helps more than any tuning."
    )
    return Section(title=_("Its most confident mistakes"), blocks=[Paragraph(text=text), Gallery(exhibits=exhibits)])


def focus_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return where the network looked, in a few hits and on the mean of every class; of the page alone."""
    focus = result.focus
    if focus is None or not limits.has_folds or not (focus.hits or focus.classes):
        return None
    hits = [
        Exhibit(
            picture=figures.get(hit_name(position)),
            title=shortened(one_line(hit.actual), 40),
            text=_("{share} sure, rightly", share=percent(hit.confidence)),
            place=short_name(hit.path),
            heat=figures.get(heat_name(hit_name(position))),
        )
        for position, hit in enumerate(focus.hits)
    ]
    means = [
        Exhibit(
            picture=figures.get(class_focus_name(position)),
            title=shortened(one_line(each.name), 40),
            text=_("mean of {photographs}", photographs=photographs(each.num_images)),
            place="",
        )
        for position, each in enumerate(focus.classes)
    ]
    text = _(
        "What spoke for its answer stays bright, the rest is dark; each place's part in the score is computed exactly. "
        "Look whether it is the thing itself that is bright, and not the table, the label or the corner of the room: "
        "a network that looks there fails where these change."
    )
    blocks: list[Block] = [Paragraph(text=text)]
    blocks += [Gallery(exhibits=hits)] if hits else []
    if means:
        title = _("Class by class, on the mean over photographs")
        blocks += [Subheading(text=title), Gallery(exhibits=means)]
    return Section(title=_("Where it looks"), blocks=blocks)


def confidence_section(result: Result) -> Section:
    """Return in words how far the probabilities may be trusted."""
    calibration = result.test.calibration
    gap = hundredths(calibration.error_after, 0 if calibration.error_after >= 0.1 else 1)  # noqa: PLR2004
    if calibration.error_after <= _TRUSTED_GAP:
        text = _(
            "You can take its probabilities at their word: on average, how sure it says it is differs from how often "
            "it is right by {gap} percentage points on the test photographs.",
            gap=gap,
        )
    else:
        text = _(
            "Take its probabilities as a rough guide: on average, how sure it says it is differs from how often it is "
            "right by {gap} percentage points on the test photographs.",
            gap=gap,
        )
    values = {
        "before": percent(calibration.error_before, 1),
        "after": percent(calibration.error_after, 1),
        "temperature": decimal(calibration.temperature, ".2f"),
    }
    if _is_cross_validated(result):
        detail = _(
            "Expected calibration error {before} before and {after} after scaling (T = {temperature}, fitted on the "
            "photographs for training and validation by layers that had not learnt from them, and built into the "
            "model).",
            **values,
        )
    else:
        detail = _(
            "Expected calibration error {before} before and {after} after scaling (T = {temperature}, fitted on the "
            "validation photographs and built into the model).",
            **values,
        )
    return Section(title=_("How sure it is"), blocks=[Paragraph(text=text), Paragraph(text=detail, is_quiet=True)])


def _is_cross_validated(result: Result) -> bool:
    """Tell whether what is delivered has learnt from the validation split too, so that others had to judge there."""
    if result.tuning is not None or (result.unfreezing is not None and result.unfreezing.is_used):
        return False
    return any(each.cross_validation is not None for each in result.candidates if each.name == result.winner)
