"""What became of the photographs: used for what, left out, and why."""

from collections.abc import Sequence

from services.reporter.report.blocks import (
    Block,
    Facts,
    Listing,
    Paragraph,
    Section,
    Subheading,
    folded,
    more_files,
    more_groups,
    more_photographs,
    remainder,
)
from services.reporter.report.limits import Limits
from services.reporter.report.retelling.folder import about_file
from services.reporter.report.wording import beside, enumeration, number, one_line, photographs, quoted, short_name
from shared.job.findings.photographs import Duplicates, LabelConflict, Quarantined
from shared.job.result import Result
from shared.language.speech import _, ngettext

_FEW = 5


def photograph_section(result: Result, limits: Limits) -> Section:
    """Return the counts, the quarantined files and the copies."""
    counts = result.counts
    total = counts.train + counts.validation + counts.test
    pairs = [
        (_("Used"), _used(total, len(result.classes))),
        (_("To learn from"), number(counts.train)),
        (_("To choose with"), _("{num} (validation)", num=number(counts.validation))),
        (_("To test with"), number(counts.test)),
        *_together(result),
        (_("Left out"), _files(result.num_left_out) if result.quarantined else _("nothing")),
        (_("Copies"), _copies(result.duplicates, is_split_own=counts.own_split is not None)),
    ]
    blocks: list[Block] = [Facts(pairs=pairs)]
    blocks += _split(result, limits)
    if result.quarantined:
        left_out = _quarantined(result.quarantined, result.num_left_out, limits.num_files)
        blocks += left_out if len(result.quarantined) <= _FEW else _folded_list(left_out, limits)
    if result.duplicates.examples:
        blocks += _examples(result.duplicates)
    if result.duplicates.conflicts:
        blocks += _conflicts(result.duplicates.conflicts, result.num_conflicts, limits.num_conflicts)
    return Section(title=_("Your photographs"), blocks=blocks)


def _used(num_images: int, num_classes: int) -> str:
    classes = ngettext("{count} class", "{count} classes", num_classes)
    return _("{photographs} in {classes}", photographs=photographs(num_images), classes=classes)


def _files(num: int) -> str:
    return ngettext("{count} file", "{count} files", num)


def _split(result: Result, limits: Limits) -> list[Block]:
    """Return which photograph served for what, class by class, behind a line of the page."""
    entries = [
        (message.format(name=short_name(files.name)), _names(paths))
        for files in result.split
        for message, paths in (
            (_("{name}: to test with"), files.test),
            (_("{name}: to choose with"), files.validation),
            (_("{name}: to learn from"), files.train),
        )
        if paths
    ]
    more = sum(files.num_more for files in result.split)
    text = _("splits.csv in model.zip has every file, and why others were left out.")
    blocks = [Paragraph(text=text, is_quiet=True), Listing(entries=entries), *remainder(more, 0, more_photographs)]
    return folded(_("Which photograph served for what"), blocks, limits) if entries else []


def _names(paths: Sequence[str]) -> str:
    """Return paths as one text; a folder that all of them lie in is named once."""
    folder = paths[0].rpartition("/")[0] + "/"
    if folder == "/" or not all(path.startswith(folder) for path in paths):
        return ", ".join(map(short_name, paths))
    names = ", ".join(short_name(path.removeprefix(folder)) for path in paths)
    return _("in {folder}: {names}", folder=short_name(folder), names=names)


def _together(result: Result) -> list[tuple[str, str]]:
    """Return what the person wanted on one side of the split."""
    counts = result.counts
    if not counts.group_by:
        return []
    rule = one_line(counts.group_by)
    if counts.num_groups is None:
        told = _("by {rule}, so the test has none that it learnt from", rule=rule)
    else:
        told = ngettext(
            "by {rule}: {count} group, so the test has none that it learnt from",
            "by {rule}: {count} groups, so the test has none that it learnt from",
            counts.num_groups,
            rule=rule,
        )
    return [(_("Kept together"), told)]


def _folded_list(blocks: list[Block], limits: Limits) -> list[Block]:
    """Return a long list behind a line on the page; a mail shows its beginning."""
    return folded(_("Left out: every file with its reason"), blocks[1:], limits) or blocks


def _copies(duplicates: Duplicates, *, is_split_own: bool) -> str:
    parts = []
    if duplicates.exact:
        parts.append(ngettext("{count} exact copy was dropped", "{count} exact copies were dropped", duplicates.exact))
    if duplicates.near_groups:
        parts += [_near(duplicates), *_what_became(duplicates, is_split_own=is_split_own)]
    return beside(parts) if parts else _("none found")


def _near(duplicates: Duplicates) -> str:
    """Return how many groups of near-copies there are, and on which side they went."""
    groups = ngettext("{count} group", "{count} groups", duplicates.near_groups)
    if duplicates.num_near:
        size = photographs(duplicates.num_near)
        groups = _("{groups} of near-identical photographs ({photographs})", groups=groups, photographs=size)
    else:
        groups = _("{groups} of near-identical photographs", groups=groups)
    torn = [each for each in duplicates.repeated if each.num_straddling]
    if torn:
        names = enumeration([quoted(each.name) for each in torn])
        return _("{groups}, kept on one side but for those of {names}, which stand on both", groups=groups, names=names)
    return _("{groups}, kept on one side, so that the test stays honest", groups=groups)


def _what_became(duplicates: Duplicates, *, is_split_own: bool) -> list[str]:
    """Return what is said of groups that lie in several classes; a test that somebody made stays as it is."""
    num = duplicates.mixed_groups
    if not num:
        return []
    if is_split_own:
        told = ngettext(
            "{count} of them lies in more than one class", "{count} of them lie in more than one class", num
        )
    else:
        told = ngettext(
            "{count} of them lies in more than one class and only served to learn from",
            "{count} of them lie in more than one class and only served to learn from",
            num,
        )
    return [told]


def _examples(duplicates: Duplicates) -> list[Block]:
    """Name a few groups, so that a person can look whether these are copies."""
    entries = [
        (enumeration([short_name(path) for path in paths], most=len(paths)), "") for paths in duplicates.examples
    ]
    return [Subheading(text=_("Near-identical photographs, for example")), Listing(entries=entries)]


def _quarantined(files: tuple[Quarantined, ...], total: int, most: int) -> list[Block]:
    entries = [(short_name(file.path), about_file(file)) for file in files[:most]]
    return [Subheading(text=_("Left out")), Listing(entries=entries), *remainder(total, len(entries), more_files)]


def _conflicts(conflicts: tuple[LabelConflict, ...], total: int, most: int) -> list[Block]:
    text = _(
        "The same picture lies in more than one class. Neither copy was used, since only you know which is right; "
        "delete the wrong one and run again."
    )
    entries = [(enumeration([short_name(path) for path in each.paths]), "") for each in conflicts[:most]]
    return [
        Subheading(text=_("Same picture, different classes")),
        Paragraph(text=text),
        Listing(entries=entries),
        *remainder(total, len(entries), more_groups),
    ]
