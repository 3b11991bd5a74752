"""What to do next, in the order of what it helps: a few lines that each point at the section with more."""

from services.reporter.report.blocks import Facts, Section
from services.reporter.report.wording import percent, quoted, short_name
from shared.job.findings.growth import ClassGrowth, Growth
from shared.job.findings.verdict import Grade
from shared.job.result import Result
from shared.job.verdict.rule import verdict_of
from shared.language.speech import _, ngettext


def to_do_section(result: Result) -> Section | None:
    """Return what a person can do now; ``None`` where nothing is known that would help."""
    lines = [*_labels(result), *_photographs(result.growth), *_files(result), *_answers(result)]
    return Section(title=_("What to do next"), blocks=[Facts(pairs=lines)], is_printed=True) if lines else None


def _labels(result: Result) -> list[tuple[str, str]]:
    """Return what to check and to decide about folders."""
    lines = []
    suspects = result.suspects
    if suspects is not None and suspects.num_likely:
        stand_out = ngettext(
            "{count} photograph that stands out among the others of the folder: see “Perhaps misfiled”.",
            "{count} photographs that stand out among the others of the folder: see “Perhaps misfiled”.",
            suspects.num_likely,
        )
        lines.append((_("Check"), stand_out))
    num_twice = result.num_conflicts + (0 if suspects is None else suspects.num_twins)
    if num_twice:
        several = ngettext(
            "for one class: {count} picture lies in several.",
            "for one class: {count} pictures lie in several.",
            num_twice,
        )
        lines.append((_("Decide"), several))
    return lines


def _photographs(growth: Growth | None) -> list[tuple[str, str]]:
    """Return what to collect, with what it would bring."""
    weak = [each for each in growth.classes if each.found < 1] if growth is not None else []
    if growth is None or not weak:
        return []
    told = [_weakest(weak[0])]
    now, doubled = growth.points[-1].accuracy, growth.doubled.accuracy
    then, today = percent(doubled), percent(now)
    if doubled > now and then != today:
        told.append(_("Twice as many of all: about {then} right instead of {now}.", then=then, now=today))
    return [(_("Collect"), " ".join(told))]


def _weakest(worst: ClassGrowth) -> str:
    name, found = quoted(short_name(worst.name)), percent(worst.found)
    if worst.taken_for:
        return _(
            "photographs of {name} first: {found} of them are found, most often taken for {other}.",
            name=name,
            found=found,
            other=quoted(short_name(worst.taken_for)),
        )
    return _("photographs of {name} first: {found} of them are found.", name=name, found=found)


def _files(result: Result) -> list[tuple[str, str]]:
    num = result.num_unusable
    if not num:
        return []
    text = ngettext(
        "what you need of it: {count} file was left out, see “Your photographs”.",
        "what you need of it: {count} files were left out, see “Your photographs”.",
        num,
    )
    return [(_("Repair"), text)]


def _answers(result: Result) -> list[tuple[str, str]]:
    """Return which answers to take, unless none should be."""
    certainty, grade = result.certainty, verdict_of(result).grade
    if certainty is None or grade is Grade.DO_NOT_USE:
        return []
    if certainty.threshold == 0 and grade is Grade.CHECK_EVERY_ANSWER:
        return []  # the verdict says what to do with each
    target = percent(certainty.target)
    if certainty.threshold is None:
        text = _("every answer with a check: no threshold makes them reliable.")
    elif certainty.threshold == 0:
        text = _("every answer: on photographs like these at least {target} are right.", target=target)
    else:
        text = _(
            "answers above {threshold} alone: at least {target} of them are right. Look at the other photographs "
            "yourself.",
            threshold=percent(certainty.threshold),
            target=target,
        )
    return [(_("Use"), text)]
