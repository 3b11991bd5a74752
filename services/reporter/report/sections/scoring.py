"""The part of the letter about how good the network is: classes, confusions, mistakes, confidence."""

from services.reporter.report.blocks import Bar, Block, Exhibit, Gallery, Paragraph, Plot, Score, Section, Table
from services.reporter.report.figures import CONFUSION, MOST_MISTAKES, Figures, mistake_name
from services.reporter.report.limits import Limits
from services.reporter.report.statistics import (
    ClassRow,
    class_rows,
    confusions,
    guessing_accuracy,
    num_right,
    weakest_first,
)
from services.reporter.report.wording import NBSP, NONE, count, number, one_line, percent, shortened, span
from shared.job.result import Result

_MOST_CONFUSIONS = 5
_MANY_CLASSES = 25
_TRUSTED_GAP = 0.05


def headline(result: Result) -> str:
    """Return the accuracy as a share of photographs, and what to expect of new ones."""
    num_images = result.test.num_images
    right = num_right(result)
    what = f"all {num_images}" if right == num_images else f"{number(right)} of {count(num_images, 'photograph')}"
    ending = " photographs" if right == num_images else ""
    return f"It recognised {what}{ending} that it had never seen before: {percent(result.test.accuracy)}."


def score_block(result: Result) -> Score:
    """Return the accuracy with its interval."""
    return Score(
        share=result.test.accuracy,
        interval=result.test.interval,
        shown=percent(result.test.accuracy),
        caption=f"Expect {span(result.test.interval)} on photographs like these. Always answering with the commonest "
        f"class would give {percent(guessing_accuracy(result))}.",
    )


def class_section(result: Result, limits: Limits) -> Section:
    """Return recall, precision and F1 of every class, or of the weakest where there are many."""
    rows = class_rows(result)
    shown = rows if len(rows) <= limits.num_classes else weakest_first(rows)[: limits.num_classes]
    blocks: list[Block] = [
        Paragraph(
            text="“Found” is the share of a class's photographs that the model recognised (recall), in brackets the "
            "range to expect. “Right” is how often it is right when it gives this answer (precision). "
            "F1 is their joint score."
        ),
        Table(
            titles=("No.", "Class", "Found", "Right", "F1", "Tested"),
            rows=[_class_row(r) for r in shown],
            numeric_from=3,
        ),
    ]
    if len(shown) < len(rows):
        text = f"These are the {len(shown)} weakest of {len(rows)} classes; the full report has them all."
        blocks.append(Paragraph(text=text, is_quiet=True))
    averages = (
        f"Averages over classes: balanced accuracy {percent(result.test.balanced_accuracy, 1)}, "
        f"macro F1 {percent(result.test.macro_f1, 1)}."
    )
    blocks.append(Paragraph(text=averages, is_quiet=True))
    return Section(title="Class by class", blocks=blocks)


def confusion_section(result: Result, figures: Figures) -> Section:
    """Return the commonest confusions in words and the matrix as a picture."""
    found = confusions(result)
    blocks: list[Block] = []
    if found:
        rows = [
            (one_line(each.actual), one_line(each.predicted), f"{each.count} of {each.num_images}")
            for each in found[:_MOST_CONFUSIONS]
        ]
        blocks.append(Table(titles=("What it was", "What the model said", "How often"), rows=rows, numeric_from=2))
    else:
        blocks.append(Paragraph(text="Nothing: every test photograph was recognised."))
    if CONFUSION in figures:
        caption = (
            "Each row is a class, each number a count of test photographs; the darker, the larger its share of it. "
            "Green is right, brown is confused. Names that the plot cannot draw are shown by their number."
        )
        if len(result.classes) > _MANY_CLASSES:
            caption += " The full report has it large enough to read every name."
        blocks.append(Plot(picture=figures[CONFUSION], caption=caption))
    return Section(title="What it mixes up", blocks=blocks)


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
            place=one_line(mistake.path),
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


def _class_row(row: ClassRow) -> tuple[str | Bar, ...]:
    score = row.score
    name = one_line(score.name)
    if not score.num_images:
        return str(row.number), name, "not tested", NONE, NONE, "0"
    low, high = (percent(bound).replace(f"{NBSP}%", "") for bound in row.recall_interval)
    found = Bar(share=score.recall, text=f"{percent(score.recall)} ({low}–{high})")
    return str(row.number), name, found, percent(score.precision), percent(score.f1), number(score.num_images)
