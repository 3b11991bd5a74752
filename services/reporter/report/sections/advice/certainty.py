"""How sure it must be before it is believed."""

from services.reporter.report.blocks import Block, Paragraph, Section, Table, plot_of
from services.reporter.report.figures import CERTAINTY, Figures
from services.reporter.report.limits import Limits
from services.reporter.report.wording import NONE, decimal, number, percent, quoted, short_name
from shared.job.findings.certainty import AnswerSets, Certainty, Coverage, StrangerCheck, Strangers
from shared.job.findings.verdict import Grade
from shared.job.result import Result
from shared.job.verdict.rule import verdict_of
from shared.language.speech import _, marked, ngettext

_TITLE = marked("How sure must it be?")
_SHOWN = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def certainty_section(result: Result, figures: Figures, limits: Limits) -> Section | None:
    """Return what thresholds leave, in the mail the advice alone; ``None`` for results that do not know."""
    certainty = result.certainty
    if certainty is None:
        return None
    advice = " ".join([_advice(certainty, verdict_of(result).grade), *_in_the_test(certainty, result)])
    blocks: list[Block] = [Paragraph(text=advice)]
    if not limits.has_folds:
        return Section(title=_(_TITLE), blocks=blocks)
    blocks += plot_of(
        figures,
        CERTAINTY,
        _(
            "Left: what only answering above a threshold leaves. Right: dots on the dashed line mean that it is right "
            "as often as it says. Bands and lines: 95\u00a0% intervals."
        ),
    )
    blocks.append(_table(certainty))
    if certainty.sets is not None:
        blocks.append(Paragraph(text=_sets(certainty.sets)))
    blocks += [Paragraph(text=text) for text in _of_something_else(certainty)]
    blocks.append(Paragraph(text=_basis(certainty), is_quiet=True))
    return Section(title=_(_TITLE), blocks=blocks, is_printed=True, is_half=True)


def _advice(certainty: Certainty, grade: Grade) -> str:
    """Return which answers to take, in no contradiction to the verdict at the top."""
    if grade is Grade.DO_NOT_USE:
        return _("Since it should not be used, no threshold is advised.")
    target = percent(certainty.target)
    if certainty.threshold is None:
        return _(
            "There is no threshold above which {target} of the answers are known to be right. Check every answer.",
            target=target,
        )
    found = _at(certainty, certainty.threshold)
    if certainty.threshold == 0 and grade is Grade.CHECK_EVERY_ANSWER:
        return _(
            "No threshold is needed for {target} of the answers to be right: {right} are. Check them all the same, for "
            "the reason given at the top.",
            right=percent(found.right),
            target=target,
        )
    if certainty.threshold == 0:
        return _(
            "Take every answer: {right} are right, and on new ones at least {target}.",
            right=percent(found.right),
            target=target,
        )
    return _(
        "Answer only above {threshold}: about {answered} of the photographs are answered, and {right} of these answers "
        "are right, on new ones at least {target}. Below it, “convtailor predict” answers “unsure”.",
        threshold=percent(certainty.threshold),
        answered=percent(found.answered),
        right=percent(found.right),
        target=target,
    )


def _in_the_test(certainty: Certainty, result: Result) -> list[str]:
    tested = certainty.tested
    if tested is None or not certainty.threshold or verdict_of(result).grade is Grade.DO_NOT_USE:
        return []
    text = _(
        "Of the test photographs it would have answered {answered}, {right} of that rightly.",
        answered=percent(tested.answered),
        right=percent(tested.right),
    )
    return [text]


def _at(certainty: Certainty, threshold: float) -> Coverage:
    return min(certainty.curve, key=lambda each: abs(each.threshold - threshold))


def _table(certainty: Certainty) -> Table:
    shown = [each for each in certainty.curve if each.threshold in _SHOWN]
    return Table(
        titles=(_("Only above"), _("Answered"), _("Right of that"), _("Between")),
        rows=[
            (
                percent(each.threshold) if each.threshold else _("any"),
                percent(each.answered),
                percent(each.right) if each.answered else NONE,
                _("{low} and {high}", low=percent(each.interval[0]), high=percent(each.interval[1]))
                if each.answered
                else NONE,
            )
            for each in shown
        ],
    )


def _sets(sets: AnswerSets) -> str:
    return _(
        "Would a choice do? Take every class that is given {least} or more, and the best in any case: on photographs "
        "like these the right class is among them {level} of the time or more, whatever the network is worth (split "
        "conformal prediction). That makes {size} classes on average.",
        least=percent(sets.least_probability),
        level=percent(sets.level),
        size=decimal(sets.mean_size, ".1f"),
    )


def _of_something_else(certainty: Certainty) -> list[str]:
    """Say what becomes of photographs of something else, and how well they are told."""
    told = [_in_use(certainty.check)] if certainty.check is not None else []
    if certainty.strangers is not None:
        tried = _left_out(certainty.strangers)
        begin = _("A photograph of something else gets one of these classes too.")
        told.append(tried if told else f"{begin} {tried}")
    return told


def _in_use(check: StrangerCheck) -> str:
    compared = _(
        "A photograph of something else gets one of these classes too, so “convtailor predict”, predict.py and the "
        "page on which you can try the model compare each photograph with {num} that it learnt from, and say where it "
        "is unlike all of them.",
        num=number(check.num_references),
    )
    expected = ngettext(
        "They are expected to say so of {expected} of photographs like yours; of your {count} test photograph it was "
        "{num}.",
        "They are expected to say so of {expected} of photographs like yours; of your {count} test photographs it was "
        "{num}.",
        check.num_images,
        expected=percent(check.expected),
        num=number(check.num_above),
    )
    return f"{compared} {expected}"


def _left_out(strangers: Strangers) -> str:
    return _(
        "How well strangers are told this way was tried by leaving out each class once: {caught} of its photographs "
        "stand out if 1 in 20 of the others may (AUROC {auroc}, where {chance} is chance). Hardest to tell is {name}, "
        "which resembles the others most ({hardest}). Something quite different is easier.",
        caught=percent(strangers.caught),
        auroc=decimal(strangers.auroc, ".2f"),
        chance=decimal(0.5, ".1f"),
        name=quoted(short_name(strangers.hardest)),
        hardest=decimal(strangers.hardest_auroc, ".2f"),
    )


def _basis(certainty: Certainty) -> str:
    if certainty.is_cross_validated:
        return ngettext(
            "Thresholds rest on {count} training and validation photograph, answered by a last layer that had not "
            "learnt from it.",
            "Thresholds rest on {count} training and validation photographs, each answered by a last layer that had "
            "not learnt from it.",
            certainty.num_images,
        )
    return ngettext(
        "Thresholds rest on {count} validation photograph.",
        "Thresholds rest on {count} validation photographs.",
        certainty.num_images,
    )
