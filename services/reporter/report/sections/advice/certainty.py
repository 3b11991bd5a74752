"""How sure it must be before it is believed."""

from services.reporter.report.blocks import Block, Paragraph, Section, Table, plot_of
from services.reporter.report.figures import CERTAINTY, Figures
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number, percent, quoted, short_name
from shared.job.findings.certainty import AnswerSets, Certainty, Coverage, StrangerCheck, Strangers
from shared.job.result import Result
from shared.wording import count

_TITLE = "How sure must it be?"
_SHOWN = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def certainty_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return what thresholds leave, in the mail the advice alone; ``None`` for results that do not know."""
    certainty = result.certainty
    if certainty is None:
        return None
    blocks: list[Block] = [Paragraph(text=_advice(certainty) + _in_the_test(certainty))]
    if not limits.has_folds:
        return Section(title=_TITLE, blocks=blocks)
    blocks += plot_of(
        figures,
        CERTAINTY,
        "Left: what only answering above a threshold leaves. Right: dots on the dashed line mean that it is right as "
        "often as it says. Bands and lines: 95 % intervals.",
    )
    blocks.append(_table(certainty))
    if certainty.sets is not None:
        blocks.append(Paragraph(text=_sets(certainty.sets)))
    blocks += [Paragraph(text=text) for text in _of_something_else(certainty)]
    blocks.append(Paragraph(text=_basis(certainty), is_quiet=True))
    return Section(title=_TITLE, blocks=blocks, is_printed=True, is_half=True)


def _advice(certainty: Certainty) -> str:
    target = percent(certainty.target)
    if certainty.threshold is None:
        return f"There is no threshold above which {target} of the answers are known to be right. Check every answer."
    found = _at(certainty, certainty.threshold)
    if certainty.threshold == 0:
        return f"Take every answer: {percent(found.right)} are right, and on new ones at least {target}."
    return (
        f"Answer only above {percent(certainty.threshold)}: about {percent(found.answered)} of the photographs are "
        f"answered, and {percent(found.right)} of these answers are right, on new ones at least {target}. "
        f"Below it, “convtailor predict” answers “unsure”."
    )


def _in_the_test(certainty: Certainty) -> str:
    tested = certainty.tested
    if tested is None or not certainty.threshold:
        return ""
    return (
        f" Of the test photographs it would have answered {percent(tested.answered)}, {percent(tested.right)} of that "
        f"rightly."
    )


def _at(certainty: Certainty, threshold: float) -> Coverage:
    return min(certainty.curve, key=lambda each: abs(each.threshold - threshold))


def _table(certainty: Certainty) -> Table:
    shown = [each for each in certainty.curve if each.threshold in _SHOWN]
    return Table(
        titles=("Only above", "Answered", "Right of that", "Between"),
        rows=[
            (
                percent(each.threshold) if each.threshold else "any",
                percent(each.answered),
                percent(each.right) if each.answered else "–",
                f"{percent(each.interval[0])} and {percent(each.interval[1])}" if each.answered else "–",
            )
            for each in shown
        ],
    )


def _sets(sets: AnswerSets) -> str:
    return (
        f"Would a choice do? Take every class that is given {percent(sets.least_probability)} or more, and the best in "
        f"any case: on photographs like these the right class is among them {percent(sets.level)} of the time or more, "
        f"whatever the network is worth (split conformal prediction). That makes {sets.mean_size:.1f} classes on "
        f"average."
    )


def _of_something_else(certainty: Certainty) -> list[str]:
    """Say what becomes of photographs of something else, and how well they are told."""
    told = [_in_use(certainty.check)] if certainty.check is not None else []
    if certainty.strangers is not None:
        begin = "" if told else "A photograph of something else gets one of these classes too. "
        told.append(begin + _left_out(certainty.strangers))
    return told


def _in_use(check: StrangerCheck) -> str:
    photographs = count(check.num_images, "test photograph")
    return (
        f"A photograph of something else gets one of these classes too, so “convtailor predict”, predict.py and the "
        f"page on which you can try the model compare each photograph with {number(check.num_references)} that it "
        f"learnt from, and say where it is unlike all of them. They are expected to say so of "
        f"{percent(check.expected)} of photographs like yours; of your {photographs} it was {number(check.num_above)}."
    )


def _left_out(strangers: Strangers) -> str:
    return (
        f"How well strangers are told this way was tried by leaving out each class once: {percent(strangers.caught)} "
        f"of its photographs stand out if 1 in 20 of the others may (AUROC {strangers.auroc:.2f}, where 0.5 is "
        f"chance). Hardest to tell is {quoted(short_name(strangers.hardest))}, which resembles the others most "
        f"({strangers.hardest_auroc:.2f}). Something quite different is easier."
    )


def _basis(certainty: Certainty) -> str:
    which = (
        "training and validation photographs, each answered by a last layer that had not learnt from it"
        if certainty.is_cross_validated
        else "validation photographs"
    )
    return f"Thresholds rest on {certainty.num_images:,} {which}."
