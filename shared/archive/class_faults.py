"""What is wrong with the classes of an archive: their names, how many there are, and how many photographs each has."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.archive.entry import clash_key, has_control_characters
from shared.errors import Fault
from shared.text.printable import quoted
from shared.wording import count, enumeration, quoted_names

_MOST_NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file of a class that could not be used.

    Args:
        class_name: Whose it is.
        code: Category of the reason, the same for all files that are left out for it.
        reason: One sentence for a person.
        fix: What mends it.
    """

    class_name: str
    code: str
    reason: str
    fix: str


def name_faults(names: Sequence[str]) -> list[Fault]:
    """Tell of class names that nobody could tell apart, or that no list of labels can carry.

    Args:
        names: Of all classes.
    """
    faults = []
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[clash_key(name)].append(name)
    clashes = [group for group in alike.values() if len(group) > 1]
    if clashes:
        pairs = "; ".join(quoted_names(group) for group in clashes[:_MOST_NAMED])
        more = f"; and {len(clashes) - _MOST_NAMED:,} more" if len(clashes) > _MOST_NAMED else ""
        message = f"Class names differ only in case, in spaces or dots, or in how letters are drawn: {pairs}{more}."
        fix = "Merge the folders if they are one class, else give them names that differ."
        faults.append(Fault(code="class_names_clash", message=message, fix=fix, details={"classes": clashes}))
    unusable = [name for name in names if has_control_characters(name)]
    if unusable:
        message = f"Class names hold line breaks or other control characters: {quoted_names(unusable)}."
        fix = "Rename these folders."
        faults.append(Fault(code="class_name_unusable", message=message, fix=fix, details={"classes": unusable}))
    return faults


def count_faults(
    sizes: Mapping[str, int], left_out: Iterable[LeftOut], *, min_images: int, part: str = ""
) -> list[Fault]:
    """Tell of too few classes, and of classes with too few files that may be photographs.

    Args:
        sizes: Such files by class.
        left_out: Files of classes that are surely none.
        min_images: What every class needs.
        part: The folders that have to hold them, where a split of the person's own has others beside them.
    """
    faults = []
    if len(sizes) == 1:
        [(name, size)] = sizes.items()
        held = f"All {size:,} photographs lie" if size > 1 else "The only photograph lies"
        message = f"{held} in one folder, {quoted(name)}, so there is one class only; "
        message += "telling apart takes at least two."
        fix = "Make one folder for each class and sort the photographs into them; where there is nothing else to tell "
        fix += f"{quoted(name)} from, add a folder of other photographs, for example one named 'other'."
        faults.append(Fault(code="archive_one_class", message=message, fix=fix, details={"classes": dict(sizes)}))
    reasons = list(left_out)
    empty = [name for name, size in sizes.items() if not size]
    if empty:
        why, mends = _commonest([each for each in reasons if each.class_name in set(empty)])
        message = f"{why}Folders without any photograph: {quoted_names(empty)}."
        fix = f"{mends}Put at least {min_images} photographs into each of them, or leave them out of the zip."
        faults.append(
            Fault(
                code="archive_empty_class",
                message=message,
                fix=fix,
                details={"classes": empty, "min_images": min_images},
            )
        )
    small = {name: size for name, size in sizes.items() if 0 < size < min_images}
    if small:
        faults.append(class_too_small(small, reasons, min_images=min_images, part=part))
    return faults


def class_too_small(sizes: Mapping[str, int], left_out: Iterable[LeftOut], *, min_images: int, part: str = "") -> Fault:
    """Tell which classes have too few photographs, and first of all why, where files of theirs could not be used.

    Args:
        sizes: Usable photographs of these classes only.
        left_out: Files of any class that could not be used.
        min_images: What every class needs.
        part: As :func:`count_faults`.
    """
    missing = [each for each in left_out if each.class_name in sizes]
    why, mends = _commonest(missing, sum(sizes[name] for name in {each.class_name for each in missing}))
    named = enumeration([f"{quoted(name)} ({size:,})" for name, size in sizes.items()], most=_MOST_NAMED)
    message = f"{why}Every class needs {min_images} photographs{f' in {part}' if part else ''}; too few are in {named}."
    held = Counter(each.class_name for each in missing)
    if all(size + held[name] >= min_images for name, size in sizes.items()):
        fix = f"{mends}Otherwise leave these folders out of the zip."
    else:
        fix = f"{mends}Add photographs to these folders until each has at least {min_images}, better 50, or leave them "
        fix += "out of the zip."
    reasons = dict(Counter(each.code for each in missing).most_common())
    details = {"classes": dict(sizes), "min_images": min_images, **({"reasons": reasons} if reasons else {})}
    return Fault(code="class_too_small", message=message, fix=fix, details=details)


def _commonest(missing: Sequence[LeftOut], num_usable: int = 0) -> tuple[str, str]:
    """Return the commonest reason with its share, and what mends it; nothing where nothing was left out."""
    if not missing:
        return "", ""
    [(code, number)] = Counter(each.code for each in missing).most_common(1)
    alike = Counter((each.reason, each.fix) for each in missing if each.code == code)
    [((reason, fix), _)] = alike.most_common(1)
    names = quoted_names(sorted({each.class_name for each in missing}))
    told = f"{number:,} of {count(len(missing) + num_usable, 'file')} in {names} cannot be used: {reason} "
    others = len(missing) - number
    if others:
        told += f"{others:,} more cannot be used for other reasons. "
    return told, f"{fix} "
