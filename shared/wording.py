"""How numbers are put in words, the same on a terminal, in a mail and in a report. Pure."""

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
