"""How good it is class by class, the worst first."""

from collections.abc import Sequence

from services.reporter.report.blocks import Bar, Block, Paragraph, Section, Table, folded
from services.reporter.report.limits import Limits
from services.reporter.report.statistics import ClassRow, class_rows, weakest_first
from services.reporter.report.wording import NONE, are_numbered, hundredths, number, numbered, percent, short_name
from shared.job.result import Result
from shared.language.number import NBSP
from shared.language.speech import _, ngettext

_MOST_AT_ONCE = 25
FEW_TESTED = 15
"""Test photographs below which a class's recall has an interval of 40 points and more around the middle."""
_MOST_FEW = 12


def class_section(result: Result, limits: Limits) -> Section:
    """Return recall, precision and F1 of every class, the weakest first; of many the others folded or left out."""
    rows = weakest_first(class_rows(result))
    has_numbers = are_numbered(result.classes)
    shown = rows[: min(_MOST_AT_ONCE, limits.num_classes)]
    blocks: list[Block] = [
        Paragraph(
            text=_(
                "“Found” is the share of a class's photographs that the model recognised (recall). “Right” is how "
                "often it is right when it gives this answer (precision). In brackets the range to expect. F1 is their "
                "joint score."
            )
        ),
        _table(shown, has_numbers=has_numbers),
    ]
    if len(shown) < len(rows):
        blocks.append(Paragraph(text=_weakest(len(shown), len(rows), limits), is_quiet=True))
        others = _table(rows[len(shown) :], has_numbers=has_numbers)
        num_others = len(rows) - len(shown)
        blocks += folded(ngettext("The other class", "The other {count} classes", num_others), [others], limits)
    blocks += _few_tested(rows, has_numbers=has_numbers)
    averages = _(
        "Averages over classes: balanced accuracy {balanced}, macro F1 {macro}.",
        balanced=percent(result.test.balanced_accuracy, 1),
        macro=percent(result.test.macro_f1, 1),
    )
    blocks.append(Paragraph(text=averages, is_quiet=True))
    return Section(title=_("Class by class, the weakest first"), blocks=blocks, is_printed=True, is_half=True)


def _weakest(num_shown: int, num: int, limits: Limits) -> str:
    shown, among = number(num_shown), number(num)
    if limits.has_folds:
        return _(
            "These are the {shown} weakest of {among} classes; the others are behind the next line.",
            shown=shown,
            among=among,
        )
    return _(
        "These are the {shown} weakest of {among} classes; the full report has them all.", shown=shown, among=among
    )


def _name(row: ClassRow, *, has_numbers: bool) -> str:
    name = short_name(row.score.name)
    return numbered(name, row.number) if has_numbers else name


def _few_tested(rows: Sequence[ClassRow], *, has_numbers: bool) -> list[Block]:
    """Return of classes with few test photographs what cross-validation says of them, which counts all others."""
    few = [each for each in rows if each.score.num_images < FEW_TESTED and each.score.cross_validated is not None]
    if not few:
        return []
    shown = few[:_MOST_FEW]
    text = _(
        "With fewer than {least} test photographs a class's own figures say little. This is what cross-validation "
        "found of them on photographs for training and validation, by layers that had not learnt from these:",
        least=FEW_TESTED,
    )
    cells = [
        (
            _name(each, has_numbers=has_numbers),
            _with_range(each.score.cross_validated or 0.0, each.cross_interval),
            number(each.score.num_cross_validated),
        )
        for each in shown
    ]
    left_out = ngettext(
        "… and {count} more such class; result.json has it.",
        "… and {count} more such classes; result.json has them.",
        len(few) - len(shown),
    )
    return [
        Paragraph(text=text),
        Table(titles=(_("Class"), _("Found, cross-validated"), _("Judged")), rows=cells, numeric_from=1),
        *([Paragraph(text=left_out, is_quiet=True)] if len(shown) < len(few) else []),
    ]


def _table(rows: Sequence[ClassRow], *, has_numbers: bool) -> Table:
    return Table(
        titles=(_("Class"), _("Found"), _("Right"), "F1", _("Tested")),
        rows=[_class_row(each, _name(each, has_numbers=has_numbers)) for each in rows],
        numeric_from=2,
    )


def _class_row(row: ClassRow, name: str) -> tuple[str | Bar, ...]:
    score = row.score
    if not score.num_images:
        return name, _("not tested"), NONE, NONE, "0"
    found = Bar(share=score.recall, text=_with_range(score.recall, row.recall_interval))
    right = (
        _with_range(score.precision, row.precision_interval)
        if row.num_predicted
        else _("never said").replace(" ", NBSP)
    )
    return name, found, right, percent(score.f1), number(score.num_images)


def _with_range(share: float, interval: tuple[float, float]) -> str:
    low, high = map(hundredths, interval)
    return f"{percent(share)} ({low}–{high})"
