"""What became of the photographs: used for what, left out, and why."""

from collections.abc import Sequence

from services.reporter.report.blocks import Block, Facts, Listing, Paragraph, Section, Subheading, folded, remainder
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number, one_line, quoted, short_name
from shared.job.findings.photographs import Duplicates, LabelConflict, Quarantined
from shared.job.result import Result
from shared.wording import count, enumeration

_FEW = 5


def photograph_section(result: Result, limits: Limits) -> Section:
    """Return the counts, the quarantined files and the copies."""
    counts = result.counts
    total = counts.train + counts.validation + counts.test
    pairs = [
        ("Used", f"{count(total, 'photograph')} in {count(len(result.classes), 'class', 'classes')}"),
        ("To learn from", number(counts.train)),
        ("To choose with", f"{number(counts.validation)} (validation)"),
        ("To test with", number(counts.test)),
        *_together(result),
        ("Left out", count(result.num_left_out, "file") if result.quarantined else "nothing"),
        ("Copies", _copies(result.duplicates, is_split_own=counts.own_split is not None)),
    ]
    blocks: list[Block] = [Facts(pairs=pairs)]
    blocks += _split(result, limits)
    if result.quarantined:
        left_out = _quarantined(result.quarantined, result.num_left_out, limits.num_files)
        blocks += left_out if len(result.quarantined) <= _FEW else _folded_list("Left out", left_out, limits)
    if result.duplicates.examples:
        blocks += _examples(result.duplicates)
    if result.duplicates.conflicts:
        blocks += _conflicts(result.duplicates.conflicts, result.num_conflicts, limits.num_conflicts)
    return Section(title="Your photographs", blocks=blocks)


def _split(result: Result, limits: Limits) -> list[Block]:
    """Return which photograph served for what, class by class, behind a line of the page."""
    entries = [
        (f"{short_name(files.name)}: {words}", _names(paths))
        for files in result.split
        for words, paths in (
            ("to test with", files.test),
            ("to choose with", files.validation),
            ("to learn from", files.train),
        )
        if paths
    ]
    more = sum(files.num_more for files in result.split)
    where = Paragraph(text="splits.csv in model.zip has every file, and why others were left out.", is_quiet=True)
    blocks = [where, Listing(entries=entries), *remainder(more, 0, "photograph")]
    return folded("Which photograph served for what", blocks, limits) if entries else []


def _names(paths: Sequence[str]) -> str:
    """Return paths as one text; a folder that all of them lie in is named once."""
    folder = paths[0].rpartition("/")[0] + "/"
    if folder == "/" or not all(path.startswith(folder) for path in paths):
        return ", ".join(map(short_name, paths))
    return f"in {short_name(folder)}: {', '.join(short_name(path.removeprefix(folder)) for path in paths)}"


def _together(result: Result) -> list[tuple[str, str]]:
    """Return what the person wanted on one side of the split."""
    counts = result.counts
    if not counts.group_by:
        return []
    groups = "" if counts.num_groups is None else f": {count(counts.num_groups, 'group')}"
    rule = one_line(counts.group_by)
    return [("Kept together", f"by {rule}{groups}, so the test has none that it learnt from")]


def _folded_list(title: str, blocks: list[Block], limits: Limits) -> list[Block]:
    """Return a long list behind a line on the page; a mail shows its beginning."""
    return folded(f"{title}: every file with its reason", blocks[1:], limits) or blocks


def _copies(duplicates: Duplicates, *, is_split_own: bool) -> str:
    parts = []
    if duplicates.exact:
        verb = "was" if duplicates.exact == 1 else "were"
        parts.append(f"{count(duplicates.exact, 'exact copy', 'exact copies')} {verb} dropped")
    if duplicates.near_groups:
        groups = count(duplicates.near_groups, "group")
        parts.append(f"{groups} of near-identical photographs{_what_became(duplicates, is_split_own=is_split_own)}")
    return "; ".join(parts) if parts else "none found"


def _what_became(duplicates: Duplicates, *, is_split_own: bool) -> str:
    """Return how many they are and where they went."""
    number_of = f" ({count(duplicates.num_near, 'photograph')})" if duplicates.num_near else ""
    mixed = ""
    if duplicates.mixed_groups:
        verb = "lies" if duplicates.mixed_groups == 1 else "lie"
        mixed = f"; {number(duplicates.mixed_groups)} of them {verb} in more than one class"
        mixed += "" if is_split_own else " and only served to learn from"  # a test that somebody made stays as it is
    torn = [each for each in duplicates.repeated if each.num_straddling]
    if torn:
        names = enumeration([quoted(each.name) for each in torn])
        return f"{number_of}, kept on one side but for those of {names}, which stand on both{mixed}"
    return f"{number_of}, kept on one side, so that the test stays honest{mixed}"


def _examples(duplicates: Duplicates) -> list[Block]:
    """Name a few groups, so that a person can look whether these are copies."""
    entries = [
        (enumeration([short_name(path) for path in paths], most=len(paths)), "") for paths in duplicates.examples
    ]
    return [Subheading(text="Near-identical photographs, for example"), Listing(entries=entries)]


def _quarantined(files: tuple[Quarantined, ...], total: int, most: int) -> list[Block]:
    entries = [(short_name(file.path), f"{one_line(file.reason)} {one_line(file.fix)}") for file in files[:most]]
    return [Subheading(text="Left out"), Listing(entries=entries), *remainder(total, len(entries), "file")]


def _conflicts(conflicts: tuple[LabelConflict, ...], total: int, most: int) -> list[Block]:
    text = (
        "The same picture lies in more than one class. Neither copy was used, since only you know which is right; "
        "delete the wrong one and run again."
    )
    entries = [(enumeration([short_name(path) for path in each.paths]), "") for each in conflicts[:most]]
    return [
        Subheading(text="Same picture, different classes"),
        Paragraph(text=text),
        Listing(entries=entries),
        *remainder(total, len(entries), "group"),
    ]
