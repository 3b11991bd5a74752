"""What to do next, in the order of what it helps: a few lines that each point at the section with more."""

from services.reporter.report.blocks import Facts, Section
from services.reporter.report.wording import number, percent, quoted, short_name
from shared.job.findings.growth import Growth
from shared.job.findings.verdict import Grade
from shared.job.result import Result
from shared.job.verdict.rule import verdict_of
from shared.wording import count


def to_do_section(result: Result) -> Section | None:
    """Return what a person can do now; ``None`` where nothing is known that would help."""
    lines = [*_labels(result), *_photographs(result.growth), *_files(result), *_answers(result)]
    return Section(title="What to do next", blocks=[Facts(pairs=lines)], is_printed=True) if lines else None


def _labels(result: Result) -> list[tuple[str, str]]:
    """Return what to check and to decide about folders."""
    lines = []
    suspects = result.suspects
    if suspects is not None and suspects.num_likely:
        what = count(suspects.num_likely, "photograph")
        stand = "stands" if suspects.num_likely == 1 else "stand"
        lines.append(("Check", f"{what} that {stand} out among the others of the folder: see “Perhaps misfiled”."))
    num_twice = result.num_conflicts + (0 if suspects is None else suspects.num_twins)
    if num_twice:
        lie = "lies" if num_twice == 1 else "lie"
        lines.append(("Decide", f"for one class: {count(num_twice, 'picture')} {lie} in several."))
    return lines


def _photographs(growth: Growth | None) -> list[tuple[str, str]]:
    """Return what to collect, with what it would bring."""
    weak = [each for each in growth.classes if each.found < 1] if growth is not None else []
    if growth is None or not weak:
        return []
    worst = weak[0]
    taken = f", most often taken for {quoted(short_name(worst.taken_for))}" if worst.taken_for else ""
    now, doubled = growth.points[-1].accuracy, growth.doubled.accuracy
    what = f"photographs of {quoted(short_name(worst.name))} first: {percent(worst.found)} of them are found{taken}."
    if doubled > now:
        what += f" Twice as many of all: about {percent(doubled)} right instead of {percent(now)}."
    return [("Collect", what)]


def _files(result: Result) -> list[tuple[str, str]]:
    num = result.num_unusable
    if not num:
        return []
    were = "file was" if num == 1 else "files were"
    return [("Repair", f"what you need of it: {number(num)} {were} left out, see “Your photographs”.")]


def _answers(result: Result) -> list[tuple[str, str]]:
    """Return which answers to take, unless none should be."""
    certainty = result.certainty
    if certainty is None or verdict_of(result).grade is Grade.DO_NOT_USE:
        return []
    target = percent(certainty.target)
    if certainty.threshold is None:
        return [("Use", "every answer with a check: no threshold makes them reliable.")]
    if certainty.threshold == 0:
        return [("Use", f"every answer: on photographs like these at least {target} are right.")]
    above = f"answers above {percent(certainty.threshold)} alone: at least {target} of them are right"
    return [("Use", f"{above}. Look at the other photographs yourself.")]
