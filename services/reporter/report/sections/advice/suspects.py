"""Photographs that may lie in the wrong folder."""

from services.reporter.report.blocks import (
    Block,
    Exhibit,
    Fold,
    Gallery,
    Listing,
    Paragraph,
    Section,
    Subheading,
    more_groups,
    more_photographs,
    remainder,
)
from services.reporter.report.figures import MOST_SUSPECTS, Figures, suspect_name
from services.reporter.report.limits import Limits
from services.reporter.report.wording import enumeration, number, one_line, percent, quoted, short_name
from shared.job.findings.suspects import Suspect, Suspects, Twins
from shared.job.result import Result
from shared.language.speech import _, ngettext
from shared.text.printable import shortened

_MOST_MAILED = 4


def suspect_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return what looks misfiled; ``None`` for results that do not know."""
    suspects = result.suspects
    if suspects is None:
        return None
    shown = suspects.listed[: MOST_SUSPECTS if limits.has_folds else _MOST_MAILED]
    blocks: list[Block] = [Paragraph(text=_lead(suspects))]
    if shown:
        exhibits = [_exhibit(figures, position, each) for position, each in enumerate(shown)]
        blocks.append(Gallery(exhibits=exhibits))
    rest = suspects.listed[len(shown) :]
    named = rest[: limits.num_files] if limits.has_folds else ()
    more = remainder(len(rest), len(named), more_photographs)
    if named:
        listing = Listing(entries=[(short_name(each.path), _remark(each)) for each in named])
        title = ngettext(
            "{count} photograph less doubtful than these", "{count} photographs less doubtful than these", len(rest)
        )
        blocks.append(Fold(title=title, blocks=[listing, *more]))
    else:
        blocks += more
    blocks += _twin_blocks(suspects, limits)
    return Section(title=_("Perhaps misfiled"), blocks=blocks)


def _lead(suspects: Suspects) -> str:
    examined = number(suspects.num_examined)
    if suspects.num_likely:
        stand_out = ngettext(
            "Of {examined} photographs of training and validation, {count} is less like its folder than chance "
            "explains: about half of these or more lie in the wrong folder.",
            "Of {examined} photographs of training and validation, {count} are less like their folder than chance "
            "explains: about half of these or more lie in the wrong folder.",
            suspects.num_likely,
            examined=examined,
        )
        what_to_do = _(
            "They come first, the most doubtful before the others; suspects.csv in model.zip lists them. Correct what "
            "is wrong and run again: that often helps more than any tuning."
        )
        return f"{stand_out} {what_to_do}"
    nothing = _(
        "Nothing stands out: of {examined} photographs of training and validation, none is less like its folder than "
        "chance explains.",
        examined=examined,
    )
    if not suspects.listed:
        return nothing
    few = _("The most doubtful of them are shown, should you want to look; most will be right.")
    return f"{nothing} {few}"


def _exhibit(figures: Figures, position: int, suspect: Suspect) -> Exhibit:
    return Exhibit(
        picture=figures.get(suspect_name(position)),
        title=_("filed as {name}", name=shortened(one_line(suspect.filed_as), 40)),
        text=_looks(suspect),
        place=short_name(suspect.path),
    )


def _looks(suspect: Suspect) -> str:
    return _(
        "rather looks like {name}, {share} sure",
        name=shortened(one_line(suspect.looks_like), 40),
        share=percent(suspect.probability),
    )


def _remark(suspect: Suspect) -> str:
    return _(
        "filed as {name}, rather looks like {other}, {share} sure",
        name=shortened(one_line(suspect.filed_as), 40),
        other=shortened(one_line(suspect.looks_like), 40),
        share=percent(suspect.probability),
    )


def _twin_blocks(suspects: Suspects, limits: Limits) -> list[Block]:
    if not suspects.num_twins:
        return []
    named = suspects.twins[: limits.num_conflicts]
    text = ngettext(
        "{count} group of photographs that are nearly the same lies in different folders; decide for one.",
        "{count} groups of photographs that are nearly the same lie in different folders; decide for one.",
        suspects.num_twins,
    )
    return [
        Subheading(text=_("Near-copies in several classes")),
        Paragraph(text=text),
        Listing(entries=[(_paths(each), _classes(each)) for each in named]),
        *remainder(suspects.num_twins, len(named), more_groups),
    ]


def _paths(twins: Twins) -> str:
    return ", ".join(short_name(path) for path in twins.paths[:4]) + (" …" if len(twins.paths) > 4 else "")  # noqa: PLR2004


def _classes(twins: Twins) -> str:
    return _("filed as {name}", name=enumeration([quoted(name) for name in dict.fromkeys(twins.classes)]))
