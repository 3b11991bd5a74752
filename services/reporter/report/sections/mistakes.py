"""Where it was sure and wrong, and how far its confidence may be trusted."""

from services.reporter.report.blocks import Exhibit, Gallery, Paragraph, Section
from services.reporter.report.figures import MOST_MISTAKES, Figures, mistake_name
from services.reporter.report.wording import NBSP, one_line, percent, short_name
from shared.job.result import Result
from shared.text.printable import shortened

_TRUSTED_GAP = 0.05


def mistake_section(result: Result, figures: Figures) -> Section | None:
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
        )
        for position, mistake in enumerate(mistakes)
    ]
    text = (
        "The test photographs that it was surest about and still got wrong. Look whether one of them lies in the wrong "
        "folder: correcting labels often helps more than any tuning."
    )
    return Section(title="Its most confident mistakes", blocks=[Paragraph(text=text), Gallery(exhibits=exhibits)])


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
