"""Which classes it takes for one another, and the photographs behind each count."""

from services.reporter.report.blocks import (
    Block,
    CellPhotographs,
    Exhibit,
    Gallery,
    Matrix,
    Paragraph,
    Section,
    Table,
    anchor_of,
    folded,
    plot_of,
)
from services.reporter.report.confusions.clusters import Cluster, clusters
from services.reporter.report.confusions.grid import cell_anchor, grid_of
from services.reporter.report.figures import CONFUSION, Figures, mistake_name
from services.reporter.report.limits import Limits
from services.reporter.report.statistics import confusions, matrix_view
from services.reporter.report.wording import are_numbered, enumeration, number, percent, short_name
from shared.job.findings.scores import Mistake
from shared.job.result import Result
from shared.language.speech import _, marked, ngettext

_MOST_CONFUSIONS = 5
_MANY_CLASSES = 25
_TITLE = marked("What it mixes up")
_HOW_TO_READ = marked(
    "Each row is a class, each number a count of test photographs; the darker, the larger its share of the row. Green "
    "is right, brown is confused."
)


def confusion_section(result: Result, figures: Figures, limits: Limits) -> Section:
    """Return the commonest confusions in words and the matrix: as a picture in a mail, as cells on a page."""
    found = confusions(result)
    blocks: list[Block] = []
    if found:
        rows = [
            (
                short_name(each.actual),
                short_name(each.predicted),
                _("{some} of {all}", some=number(each.count), all=number(each.num_images)),
            )
            for each in found[:_MOST_CONFUSIONS]
        ]
        blocks.append(
            Table(titles=(_("What it was"), _("What the model said"), _("How often")), rows=rows, numeric_from=2)
        )
    else:
        blocks.append(Paragraph(text=_("Nothing: every test photograph was recognised.")))
    blocks += _cells(result, figures, limits) if limits.has_folds else plot_of(figures, CONFUSION, _caption(result))
    return Section(title=_(_TITLE), blocks=blocks, is_printed=True, is_half=True)


def _cells(result: Result, figures: Figures, limits: Limits) -> list[Block]:
    """Return the whole matrix; of many classes those that are mixed up, and the whole behind a line."""
    photographs = _photographs(result, figures)
    shown = {each.anchor for each in photographs}
    read = [_(_HOW_TO_READ), *([_("Choose a brown number to see its photographs.")] if shown else [])]
    whole = Matrix(grids=[(grid_of(result, range(len(result.classes)), shown), "")])
    how = Paragraph(text=" ".join(read), is_quiet=True)
    if len(result.classes) <= _MANY_CLASSES:
        return [whole, how, *photographs]
    groups = clusters(result.test.confusion_matrix)
    blocks: list[Block] = []
    if groups:
        grids = [(grid_of(result, each.members, shown, is_group=True), _told(each)) for each in groups]
        blocks = [
            Paragraph(text=_("These classes are mixed up among themselves most, as far as single pairs go:")),
            Matrix(grids=grids),
            how,
            *photographs,
        ]
    title = _("All {num} classes at full size", num=number(len(result.classes)))
    rest: list[Block] = [] if groups else [how, *photographs]
    return [*blocks, *folded(title, [whole, *rest], limits)]


def _told(group: Cluster) -> str:
    share = percent(group.num_mixed_up / max(1, group.num_images))
    return ngettext(
        "{count} photograph of {all} mixed up among them ({share})",
        "{count} photographs of {all} mixed up among them ({share})",
        group.num_mixed_up,
        all=number(group.num_images),
        share=share,
    )


def _photographs(result: Result, figures: Figures) -> list[CellPhotographs]:
    """Return the mistakes by what they are and what they were taken for, as far as the document names them."""
    position = {name: index for index, name in enumerate(result.classes)}
    by_cell: dict[tuple[int, int], list[tuple[int, Mistake]]] = {}
    for place, mistake in enumerate(result.test.mistakes):
        if mistake.actual in position and mistake.predicted in position:
            cell = position[mistake.actual], position[mistake.predicted]
            by_cell.setdefault(cell, []).append((place, mistake))
    blocks = []
    for (actual, predicted), found in by_cell.items():
        what, said = short_name(result.classes[actual]), short_name(result.classes[predicted])
        total = result.test.confusion_matrix[actual][predicted]
        missing = total - len(found)
        blocks.append(
            CellPhotographs(
                anchor=cell_anchor(actual, predicted),
                title=_("{what}, taken for {said}: {total}", what=what, said=said, total=number(total)),
                gallery=Gallery(exhibits=[_exhibit(place, mistake, figures) for place, mistake in found]),
                matrix=anchor_of(_(_TITLE)),
                note=_more_named(missing) if missing > 0 else "",
            )
        )
    return blocks


def _more_named(num: int) -> str:
    return ngettext(
        "{count} more is named in predictions.csv, in model.zip.",
        "{count} more are named in predictions.csv, in model.zip.",
        num,
    )


def _exhibit(place: int, mistake: Mistake, figures: Figures) -> Exhibit:
    return Exhibit(
        picture=figures.get(mistake_name(place)),
        title=_("{share} sure", share=percent(mistake.confidence)),
        text="",
        place=short_name(mistake.path),
    )


def _caption(result: Result) -> str:
    told = [_(_HOW_TO_READ)]
    if are_numbered(result.classes):
        told.append(_("Names that the plot cannot draw are shown by their number."))
    view = matrix_view(result)
    if not view.is_whole:
        told.append(
            _(
                "Of the {all} classes it shows the {some} that are mixed up most with one another; whatever else the "
                "model said is counted under “others”.",
                all=number(len(result.classes)),
                some=len(view.rows),
            )
        )
        groups = clusters(result.test.confusion_matrix)
        if groups:
            worst = enumeration([short_name(result.classes[each]) for each in groups[0].members])
            told.append(_("Mixed up most among themselves: {names}.", names=worst))
        told.append(_("The full report has all."))
    elif len(result.classes) > _MANY_CLASSES:
        told.append(_("The full report has it large enough to read every name."))
    return " ".join(told)
