"""A verdict in the language that is spoken, by its codes and numbers. English is told as it was stored."""

import re

from shared.job.findings.verdict import Verdict
from shared.job.result import Result
from shared.job.verdict.evidence import evidence_of
from shared.job.verdict.rule import REASONS, WORDS, judge, verdict_of
from shared.language.number import NBSP, number_in, percent_in, quoted_in
from shared.language.speech import _, ngettext, spoken
from shared.text.printable import printable_name, shortened
from shared.wording import rounded_share

_PERCENT = re.compile(r"(?<=\d)%")
_LONGEST_NAME = 60


def title_of(result: Result) -> str:
    """Return what a result comes to, such as ``Check every answer``."""
    return _(WORDS[verdict_of(result).grade])


def reason_of(result: Result) -> str:
    """Return why, in one sentence; empty for a result of an older version whose rule the present one does not share."""
    verdict = verdict_of(result)
    if spoken() == "en":
        return _PERCENT.sub(f"{NBSP}%", verdict.reason)
    if not verdict.reason_code:
        anew = judge(evidence_of(result))
        verdict = anew if anew.grade is verdict.grade else verdict
    return _told(verdict) if verdict.reason_code in REASONS else ""


def _told(verdict: Verdict) -> str:
    values = {name: _shown(name, value) for name, value in verdict.reason_values.items()}
    return _(REASONS[verdict.reason_code], **values)


def _shown(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return quoted_in(spoken(), shortened(printable_name(value), _LONGEST_NAME))
    if name == "tested":
        return ngettext("{count} test photograph", "{count} test photographs", int(value))
    return number_in(spoken(), int(value)) if name == "found" else percent_in(spoken(), rounded_share(value)[1])
