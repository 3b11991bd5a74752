"""What more photographs would bring, and of what."""

from services.reporter.report.blocks import Bar, Block, Paragraph, Section, Table, plot_of, remainder
from services.reporter.report.figures import GROWTH, Figures
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number, one_line, percent, quoted, span
from shared.job.findings.growth import ClassGrowth, Growth
from shared.job.result import Result
from shared.text.printable import shortened

_CLEAR_GAIN = 0.01


def growth_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return what more would bring and what to collect next, in the mail in words; ``None`` where nobody knows."""
    growth = result.growth
    if growth is None:
        return None
    blocks: list[Block] = [Paragraph(text=_lead(growth))]
    if limits.has_folds:
        caption = "Last layers that learnt from a quarter, half and all of the photographs, on others; band: 95 %."
        blocks += plot_of(figures, GROWTH, caption)
    weak = [each for each in growth.classes if each.found < 1]
    if weak:
        blocks.append(Paragraph(text=_next(weak[0])))
    if weak and limits.has_folds:
        shown = weak[: limits.num_classes]
        blocks += [_table(shown), *remainder(len(weak), len(shown), "class")]
    return Section(title="What more photographs would bring", blocks=blocks, is_printed=True, is_half=True)


def _lead(growth: Growth) -> str:
    now, doubled = growth.points[-1], growth.doubled
    if doubled.accuracy - now.accuracy < _CLEAR_GAIN:
        return (
            f"Hardly more: with twice as many photographs, expect {percent(doubled.accuracy)} instead of "
            f"{percent(now.accuracy)}, if the curve goes on as it went."
        )
    return (
        f"With twice as many photographs expect about {percent(doubled.accuracy)} instead of {percent(now.accuracy)}, "
        f"{span(doubled.interval)}, if the curve goes on as it went."
    )


def _next(worst: ClassGrowth) -> str:
    taken = f", most often taken for {quoted(one_line(worst.taken_for))}" if worst.taken_for else ""
    return (
        f"Collect {quoted(one_line(worst.name))} first: it is found least{taken}. Photographs that show the "
        f"difference help most."
    )


def _table(classes: list[ClassGrowth]) -> Table:
    return Table(
        titles=("Collect first", "Found now", "Photographs", "With twice as many", "Taken for"),
        rows=[
            (
                shortened(one_line(each.name), 40),
                Bar(share=each.found, text=percent(each.found)),
                number(each.num_images),
                percent(each.found_doubled),
                shortened(one_line(each.taken_for), 30),
            )
            for each in classes
        ],
        numeric_from=2,
    )
