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
    remainder,
)
from services.reporter.report.figures import MOST_SUSPECTS, Figures, suspect_name
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number, one_line, percent, quoted, short_name
from shared.job.findings.suspects import Suspect, Suspects, Twins
from shared.job.result import Result
from shared.text.printable import shortened
from shared.wording import count, enumeration

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
    more = remainder(len(rest), len(named), "photograph")
    if named:
        listing = Listing(entries=[(short_name(each.path), _remark(each)) for each in named])
        title = f"{count(len(rest), 'photograph')} less doubtful than these"
        blocks.append(Fold(title=title, blocks=[listing, *more]))
    else:
        blocks += more
    blocks += _twin_blocks(suspects, limits)
    return Section(title="Perhaps misfiled", blocks=blocks)


def _lead(suspects: Suspects) -> str:
    examined = f"{number(suspects.num_examined)} photographs of training and validation"
    if not suspects.num_likely:
        few = (
            " The most doubtful of them are shown, should you want to look; most will be right."
            if suspects.listed
            else ""
        )
        return f"Nothing stands out: of {examined}, none is less like its folder than chance explains.{few}"
    which = "1 is" if suspects.num_likely == 1 else f"{number(suspects.num_likely)} are"
    return (
        f"Of {examined}, {which} less like their folder than chance explains: about half of these or more lie in the "
        f"wrong folder. They come first, the most doubtful before the others; suspects.csv in model.zip lists "
        f"them. Correct what is wrong and run again: that often helps more than any tuning."
    )


def _exhibit(figures: Figures, position: int, suspect: Suspect) -> Exhibit:
    return Exhibit(
        picture=figures.get(suspect_name(position)),
        title=f"filed as {shortened(one_line(suspect.filed_as), 40)}",
        text=_looks(suspect),
        place=short_name(suspect.path),
    )


def _looks(suspect: Suspect) -> str:
    return f"rather looks like {shortened(one_line(suspect.looks_like), 40)}, {percent(suspect.probability)} sure"


def _remark(suspect: Suspect) -> str:
    return f"filed as {shortened(one_line(suspect.filed_as), 40)}, {_looks(suspect)}"


def _twin_blocks(suspects: Suspects, limits: Limits) -> list[Block]:
    if not suspects.num_twins:
        return []
    named = suspects.twins[: limits.num_conflicts]
    groups, lie = count(suspects.num_twins, "group"), "lies" if suspects.num_twins == 1 else "lie"
    return [
        Subheading(text="Near-copies in several classes"),
        Paragraph(text=f"{groups} of photographs that are nearly the same {lie} in different folders; decide for one."),
        Listing(entries=[(_paths(each), _classes(each)) for each in named]),
        *remainder(suspects.num_twins, len(named), "group"),
    ]


def _paths(twins: Twins) -> str:
    return ", ".join(short_name(path) for path in twins.paths[:4]) + (" …" if len(twins.paths) > 4 else "")  # noqa: PLR2004


def _classes(twins: Twins) -> str:
    return f"filed as {enumeration([quoted(name) for name in dict.fromkeys(twins.classes)])}"
