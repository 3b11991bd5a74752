"""The networks that were tried: each with its scores, the ones left out with the reason, and the curves."""

from collections.abc import Sequence

from services.reporter.report.blocks import (
    Block,
    Listing,
    Paragraph,
    Section,
    Subheading,
    Table,
    folded,
    plot_of,
    remainder,
)
from services.reporter.report.figures import (
    ACCURACY_BARS,
    CANDIDATE_ACCURACY,
    CANDIDATE_LOSS,
    STRENGTHS,
    Figures,
)
from services.reporter.report.limits import Limits
from services.reporter.report.retelling.reason import why_not_compared
from services.reporter.report.sections.training.foretold import foretold_blocks
from services.reporter.report.statistics import trained
from services.reporter.report.wording import NONE, decimal, enumeration, number, percent, photographs, took
from shared.job.findings.training import CandidateResult, Choice, CrossValidation
from shared.job.job import TrialState
from shared.job.result import Result
from shared.language.speech import _, ngettext

_CHANCE = 0.05


def candidate_section(result: Result, figures: Figures, limits: Limits) -> Section:
    """Return every candidate with its scores, the ones left out with the reason, and the curves."""
    done = trained(result)
    others = [each for each in result.candidates if each not in done]
    shown = _shown(done, result.winner, limits.num_networks)
    rows = [_candidate_row(each) for each in shown]
    winner = [position for position, each in enumerate(shown) if each.name == result.winner]
    are_judged = any(each.cross_validation is not None for each in done)
    how = (
        (_("Cross-validated"), _("Training"), _("Levels read"))
        if are_judged
        else (_("Validation"), _("Training"), _("Best epoch"))
    )
    blocks: list[Block] = [
        Paragraph(text=_compared(result, len(done))),
        Table(titles=(_("Network"), *how, _("Parameters"), _("Time")), rows=rows, strong_rows=winner),
        *remainder(len(done), len(shown), _more_networks),
    ]
    if len(done) > 1:
        caption = (
            _("Cross-validated accuracy. Where the thin lines overlap widely, the order may be luck.")
            if are_judged
            else _("Validation accuracy. Where the thin lines overlap widely, the order may be luck.")
        )
        blocks += plot_of(figures, ACCURACY_BARS, caption)
    if others:
        left_out = Listing(entries=_left_out(others))
        title = ngettext("{count} network not compared, and why", "{count} networks not compared, and why", len(others))
        blocks += folded(title, [left_out], limits) or [Subheading(text=_("Not compared")), left_out]
    curves = _curves(figures, num_networks=len(done))
    blocks += folded(_("How each of them learnt"), curves, limits) or curves[:2]
    blocks += folded(_("What was foretold of them, and what came true"), foretold_blocks(result, limits), limits)
    return Section(title=_("The networks that were tried"), blocks=blocks)


def _curves(figures: Figures, *, num_networks: int) -> list[Block]:
    accuracy = [_("Accuracy while learning.")]
    if num_networks > 1:
        accuracy.append(_("Behind each network, in grey, the others' validation."))
    accuracy.append(
        _(
            "The ring marks the epoch that was kept: the one with the highest validation accuracy in the second half, "
            "of equals the latest; the first half jumps too much to be chosen from."
        )
    )
    strengths = _(
        "How much the last layer may adapt to single photographs: too strong a regularisation on the left, too weak a "
        "one on the right. The ring marks the strength that was chosen, by the least log loss."
    )
    loss = _("Loss while learning: how far off it was, the lower the better.")
    return [
        *plot_of(figures, STRENGTHS, strengths),
        *plot_of(figures, CANDIDATE_ACCURACY, " ".join(accuracy)),
        *plot_of(figures, CANDIDATE_LOSS, loss),
    ]


def _more_networks(num: int) -> str:
    return ngettext("… and {count} more network.", "… and {count} more networks.", num)


def _shown(done: Sequence[CandidateResult], winner: str, most: int) -> list[CandidateResult]:
    """Return as many of the best as there is room for, the winner among them."""
    chosen = [each for each in done if each.name == winner]
    others = [each for each in done if each.name != winner]
    kept = {each.name for each in (*chosen, *others[: most - len(chosen)])}
    return [each for each in done if each.name in kept]


def _left_out(others: Sequence[CandidateResult]) -> list[tuple[str, str]]:
    """Return each reason once, with all networks that it kept out."""
    by_reason: dict[str, list[str]] = {}
    for each in others:
        by_reason.setdefault(_why_not(each), []).append(each.name)
    return [(enumeration(names, most=len(names)), reason) for reason, names in by_reason.items()]


def _compared(result: Result, num_done: int) -> str:
    """Return how many networks were compared, on what."""
    judged = next((each.cross_validation for each in trained(result) if each.cross_validation is not None), None)
    if judged is not None:
        return _cross_validated(result, judged, num_done)
    num = result.counts.validation
    if num_done == 1:
        return ngettext(
            "One network, {name}, was fitted to your photographs, all but its last layer frozen, and checked on "
            "{count} validation photograph.",
            "One network, {name}, was fitted to your photographs, all but its last layer frozen, and checked on "
            "{count} validation photographs.",
            num,
            name=result.winner,
        )
    return ngettext(
        "{networks} networks were fitted to your photographs, all but the last layer frozen, and compared on {count} "
        "validation photograph. {name} came out best.",
        "{networks} networks were fitted to your photographs, all but the last layer frozen, and compared on {count} "
        "validation photographs. {name} came out best.",
        num,
        networks=num_done,
        name=result.winner,
    )


def _cross_validated(result: Result, judged: CrossValidation, num_done: int) -> str:
    """Return how networks were judged where every photograph but those of the test taught and judged."""
    fitted = (
        _("One network, {name}, was fitted to your photographs, all but the last layer frozen.", name=result.winner)
        if num_done == 1
        else _("{networks} networks were fitted to your photographs, all but the last layer frozen.", networks=num_done)
    )
    dealt = ngettext(
        "The {count} photograph for training and validation were dealt into {parts} parts; each part was judged by a "
        "layer that only the other parts had taught. The layer that is delivered learnt from all of them.",
        "The {count} photographs for training and validation were dealt into {parts} parts; each part was judged by a "
        "layer that only the other parts had taught. The layer that is delivered learnt from all of them.",
        judged.num_images,
        parts=judged.num_folds,
    )
    told = [fitted, dealt]
    if num_done == 1:
        has_rival = result.choice is not None and result.choice.runner_up is not None
        return " ".join([*told, *(_how_sure(result) if has_rival else [])])
    told.append(
        _(
            "{name} was chosen: the cheapest that no other beats, in the probability given to the right class, by more "
            "than the standard error of the difference.",
            name=result.winner,
        )
    )
    return " ".join([*told, *_how_sure(result)])


def _how_sure(result: Result) -> list[str]:
    """Return how far the choice may be luck, and what having been the best of several is worth."""
    choice = result.choice
    if choice is None:
        return []
    worth = ngettext(
        "Being the best of {count} fitted layer flatters a network: of its accuracy about {points} points are owed to "
        "that.",
        "Being the best of {count} fitted layers flatters a network: of its accuracy about {points} points are owed to "
        "that.",
        choice.num_tried,
        points=decimal(100 * max(0.0, choice.optimism), ".1f"),
    )
    if choice.p_value is None:
        return [worth]
    beside = _beside_the_next(choice, choice.p_value)
    if choice.num_sampled is None:
        return [beside, worth]
    return [_("Of a sample of {photographs}: {told}", photographs=photographs(choice.num_sampled), told=beside), worth]


def _beside_the_next(choice: Choice, p_value: float) -> str:
    mine, others = choice.winner_only or 0, choice.runner_up_only or 0
    values = {"others": number(others), "name": choice.runner_up, "p": decimal(p_value, ".2g")}
    if p_value >= _CHANCE:
        return ngettext(
            "{count} photograph was recognised by it alone and {others} by the next best, {name}, alone (p = {p}), so "
            "the order of the two may be luck.",
            "{count} photographs were recognised by it alone and {others} by the next best, {name}, alone (p = {p}), "
            "so the order of the two may be luck.",
            mine,
            **values,
        )
    if mine > others:
        return _(
            "{mine} photographs were recognised by it alone and {others} by the next best, {name}, alone (p = {p}), so "
            "it is hardly luck that it came out ahead.",
            mine=number(mine),
            **values,
        )
    return ngettext(
        "{count} photograph was recognised by it alone and {others} by the next best, {name}, alone (p = {p}): that "
        "one reads more of them rightly, and hardly by luck, but is not clearly surer of the right class.",
        "{count} photographs were recognised by it alone and {others} by the next best, {name}, alone (p = {p}): that "
        "one reads more of them rightly, and hardly by luck, but is not clearly surer of the right class.",
        mine,
        **values,
    )


def _candidate_row(each: CandidateResult) -> tuple[str, ...]:
    judged = each.cross_validation
    accuracy = percent(each.val_accuracy or 0.0, 1)
    epochs = _("{some} of {all}", some=each.best_epoch or NONE, all=len(each.history.val_accuracy))
    return (
        each.name,
        accuracy if judged is None else f"{accuracy} ± {decimal(100 * judged.accuracy_error, '.1f')}",
        NONE if each.train_accuracy is None else percent(each.train_accuracy, 1),
        epochs if judged is None else str(len(each.levels)),
        NONE if each.parameters is None else number(each.parameters),
        took(each.seconds),
    )


def _why_not(each: CandidateResult) -> str:
    reason = why_not_compared(each.skipped_because) if each.skipped_because else None
    if each.state is TrialState.FAILED:
        return _("failed: {reason}", reason=reason) if reason else _("failed; no reason was recorded")
    return _("skipped: {reason}", reason=reason) if reason else _("skipped; no reason was recorded")
