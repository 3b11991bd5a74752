"""How good it is class by class."""

from services.reporter.report.blocks import Bar, Block, Paragraph, Section, Table
from services.reporter.report.limits import Limits
from services.reporter.report.statistics import ClassRow, class_rows, weakest_first
from services.reporter.report.wording import NBSP, NONE, number, one_line, percent
from shared.job.result import Result


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


def _class_row(row: ClassRow) -> tuple[str | Bar, ...]:
    score = row.score
    name = one_line(score.name)
    if not score.num_images:
        return str(row.number), name, "not tested", NONE, NONE, "0"
    low, high = (percent(bound).replace(f"{NBSP}%", "") for bound in row.recall_interval)
    found = Bar(share=score.recall, text=f"{percent(score.recall)} ({low}–{high})")
    return str(row.number), name, found, percent(score.precision), percent(score.f1), number(score.num_images)
