"""What more photographs would bring, and of what."""

from services.reporter.report.blocks import Bar, Block, Paragraph, Section, Table, plot_of, remainder
from services.reporter.report.figures import GROWTH, Figures
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number, one_line, percent, quoted, span
from shared.job.findings.growth import ClassGrowth, Growth
from shared.job.result import Result
from shared.language.speech import _, ngettext
from shared.text.printable import shortened

_CLEAR_GAIN = 0.01


def growth_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return what more would bring and what to collect next, in the mail in words; ``None`` where nobody knows."""
    growth = result.growth
    if growth is None:
        return None
    blocks: list[Block] = [Paragraph(text=_lead(growth))]
    if limits.has_folds:
        caption = _(
            "Last layers that learnt from a quarter, half and all of the photographs, on others; band: 95\u00a0%."
        )
        blocks += plot_of(figures, GROWTH, caption)
    weak = [each for each in growth.classes if each.found < 1]
    if weak:
        blocks.append(Paragraph(text=_next(weak[0])))
    if weak and limits.has_folds:
        shown = weak[: limits.num_classes]
        blocks += [_table(shown), *remainder(len(weak), len(shown), _more_classes)]
    return Section(title=_("What more photographs would bring"), blocks=blocks, is_printed=True, is_half=True)


def _more_classes(num: int) -> str:
    return ngettext("… and {count} more class.", "… and {count} more classes.", num)


def _lead(growth: Growth) -> str:
    now, doubled = growth.points[-1], growth.doubled
    if doubled.accuracy - now.accuracy < _CLEAR_GAIN:
        return _(
            "Hardly more: with twice as many photographs, expect {then} instead of {now}, if the curve goes on as it "
            "went.",
            then=percent(doubled.accuracy),
            now=percent(now.accuracy),
        )
    return _(
        "With twice as many photographs expect about {then} instead of {now}, {interval}, if the curve goes on as it "
        "went.",
        then=percent(doubled.accuracy),
        now=percent(now.accuracy),
        interval=span(doubled.interval),
    )


def _next(worst: ClassGrowth) -> str:
    name = quoted(one_line(worst.name))
    if worst.taken_for:
        return _(
            "Collect {name} first: it is found least, most often taken for {other}. Photographs that show the "
            "difference help most.",
            name=name,
            other=quoted(one_line(worst.taken_for)),
        )
    return _("Collect {name} first: it is found least. Photographs that show the difference help most.", name=name)


def _table(classes: list[ClassGrowth]) -> Table:
    return Table(
        titles=(
            _("Collect first"),
            _("Found now"),
            _("Photographs"),
            _("With twice as many"),
            _("Taken for"),
        ),
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
