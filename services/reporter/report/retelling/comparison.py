"""What to make of a network beside an older one."""

from services.reporter.report.wording import decimal, number
from shared.job.findings.comparison import Comparison
from shared.language.speech import _, ngettext


def outcome_of(found: Comparison) -> str:
    """Return what to make of a comparison with an older network, as a sentence of its own."""
    lost = number(found.num_lost)
    if found.is_luck:
        return ngettext(
            "{count} photograph gained, {lost} lost: within luck (p = {p}), so neither is shown to be better.",
            "{count} photographs gained, {lost} lost: within luck (p = {p}), so neither is shown to be better.",
            found.num_gained,
            lost=lost,
            p=decimal(found.p_value, ".2f"),
        )
    p = decimal(found.p_value, ".3g")
    if found.num_gained > found.num_lost:
        return _(
            "{gained} photographs gained, {lost} lost: better, and not by luck (p = {p}).",
            gained=number(found.num_gained),
            lost=lost,
            p=p,
        )
    return ngettext(
        "{count} photograph gained, {lost} lost: worse, and not by luck (p = {p}).",
        "{count} photographs gained, {lost} lost: worse, and not by luck (p = {p}).",
        found.num_gained,
        lost=lost,
        p=p,
    )
