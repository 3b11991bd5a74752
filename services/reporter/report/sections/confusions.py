"""Which classes it takes for one another."""

from services.reporter.report.blocks import Block, Paragraph, Section, Table, plot_of
from services.reporter.report.figures import CONFUSION, Figures
from services.reporter.report.statistics import confusions, matrix_view
from services.reporter.report.wording import number, one_line
from shared.job.result import Result

_MOST_CONFUSIONS = 5
_MANY_CLASSES = 25


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
    blocks += plot_of(figures, CONFUSION, _caption(result))
    return Section(title="What it mixes up", blocks=blocks)


def _caption(result: Result) -> str:
    caption = (
        "Each row is a class, each number a count of test photographs; the darker, the larger its share of it. "
        "Green is right, brown is confused. Names that the plot cannot draw are shown by their number."
    )
    view = matrix_view(result)
    if not view.is_whole:
        return (
            f"{caption} Of the {number(len(result.classes))} classes it shows the {len(view.rows)} that are mixed up "
            "most with one another; whatever else the model said is counted under “others”. result.json has all."
        )
    if len(result.classes) > _MANY_CLASSES:
        caption += " The full report has it large enough to read every name."
    return caption
