"""How numbers and lists of names are put in words, the same on a terminal, in a mail and in a report. Pure."""

from collections.abc import Sequence

from shared.text.printable import quoted

_MINUTE_S, _HOUR_S = 60, 3600
_EXACT_BELOW_S = 9.95
"""From here on, a tenth of a second is of no interest to anybody."""


def duration(seconds: float, *, tenths: bool = False) -> str:
    """Return a duration as a person says it: ``42 s``, ``3 min 05 s``, ``2 h 10 min``.

    Args:
        seconds: Below 0 counts as 0.
        tenths: Whether to tell tenths of seconds below ten seconds: of what was measured, not of what is foretold.
    """
    if tenths and seconds < _EXACT_BELOW_S:
        return f"{max(0.0, seconds):.1f} s"
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02d} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02d} min"


def rounded_share(share: float, decimals: int = 0) -> tuple[str, str]:
    """Return a share in hundredths; one short of everything or nothing is never rounded to it.

    Args:
        share: 0 to 1.
        decimals: Digits after the point; a tenth more where that keeps it short of 0 or 100.

    Returns:
        ``over`` or ``under`` what follows, or neither, and the number as Python writes it: ``"", "89"``, or
        ``"", "99.8"``, or ``"over", "99.9"``.
    """
    share = round(share, 9)  # what arithmetic adds beyond is not a share of any number of photographs
    text = f"{share * 100:.{decimals}f}"
    if not ((float(text) >= 100 and share < 1) or (float(text) <= 0 and share > 0)):  # noqa: PLR2004
        return "", text
    if decimals < 1:
        return rounded_share(share, decimals + 1)
    return ("under", "0.1") if share < 0.5 else ("over", "99.9")  # noqa: PLR2004


def percent(share: float, decimals: int = 0) -> str:
    """Return ``89%`` or ``over 99.9%``, as it stands on a terminal; arguments as for :func:`rounded_share`."""
    bound, text = rounded_share(share, decimals)
    return f"{bound} {text}%".lstrip()


def spending(seconds: float, cost: float | None) -> str:
    """Return time and, where it is known, what it costs: ``3 min 05 s at a cost of 1.20``.

    Args:
        seconds: Of a machine.
        cost: In whatever currency.
    """
    if cost is None:
        return duration(seconds)
    return f"{duration(seconds)} at a cost of {amount(cost)}"


def amount(cost: float) -> str:
    """Return what something costs: ``12.35``, ``0.021``."""
    return f"{cost:{'.2f' if cost >= 1 else '.2g'}}"


def count(value: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 photograph`` or ``2,000 photographs``."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def enumeration(names: Sequence[str], *, most: int = 6) -> str:
    """Return ``a``, ``a and b``, ``a, b and c`` or ``a, b and 99,970 more``: a list that never outgrows a sentence.

    Args:
        names: At least one.
        most: Names shown at most, the rest counted.
    """
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1:,} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def quoted_names(names: Sequence[str], *, most: int = 6) -> str:
    """Return names from an archive as they stand in a sentence: ``'cats', 'dogs' and 99,970 more``.

    Args:
        names: At least one.
        most: Names shown at most, the rest counted.
    """
    return enumeration([*map(quoted, names[:most]), *names[most:]], most=most)
