"""How the network came to be: the candidates, then fine-tuning."""

from collections.abc import Sequence
from dataclasses import replace

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
    TUNING,
    Figures,
)
from services.reporter.report.limits import Limits
from services.reporter.report.statistics import trained
from services.reporter.report.wording import NONE, number, one_line, percent, took
from shared.job.findings.training import (
    CandidateResult,
    CrossValidation,
    Foretold,
    Hyperparameters,
    Mirroring,
    Unfreezing,
)
from shared.job.job import TrialState
from shared.job.result import Result
from shared.wording import count, enumeration

_CHANCE = 0.05
_STRENGTHS_CAPTION = (
    "How much the last layer may adapt to single photographs: too strong a regularisation on the left, too weak a one "
    "on the right. The ring marks the strength that was chosen, by the least log loss."
)


_KEPT_EPOCH = (
    "The ring marks the epoch that was kept: the one with the highest validation accuracy in the second half, of "
    "equals the latest; the first half jumps too much to be chosen from."
)
_KEPT_TUNED = (
    "The ring marks the epoch that was kept: the one with the highest validation accuracy; later ones learnt the "
    "training photographs, and no more than that."
)


def candidate_section(result: Result, figures: Figures, limits: Limits) -> Section:
    """Return every candidate with its scores, the ones left out with the reason, and the curves."""
    done = trained(result)
    others = [each for each in result.candidates if each not in done]
    shown = _shown(done, result.winner, limits.num_networks)
    rows = [_candidate_row(each) for each in shown]
    winner = [position for position, each in enumerate(shown) if each.name == result.winner]
    are_judged = any(each.cross_validation is not None for each in done)
    how = ("Cross-validated", "Training", "Levels read") if are_judged else ("Validation", "Training", "Best epoch")
    blocks: list[Block] = [
        Paragraph(text=_compared(result, len(done))),
        Table(titles=("Network", *how, "Parameters", "Time"), rows=rows, strong_rows=winner),
        *remainder(len(done), len(shown), "network"),
    ]
    if len(done) > 1:
        what = "Cross-validated accuracy" if are_judged else "Validation accuracy"
        caption = f"{what}. Where the thin lines overlap widely, the order may be luck."
        blocks += plot_of(figures, ACCURACY_BARS, caption)
    if others:
        left_out = Listing(entries=_left_out(others))
        names = count(len(others), "network")
        blocks += folded(f"{names} not compared, and why", [left_out], limits) or [
            Subheading(text="Not compared"),
            left_out,
        ]
    curves = plot_of(figures, STRENGTHS, _STRENGTHS_CAPTION)
    behind = " Behind each network, in grey, the others' validation." if len(done) > 1 else ""
    for name, caption in (
        (CANDIDATE_ACCURACY, f"Accuracy while learning.{behind} {_KEPT_EPOCH}"),
        (CANDIDATE_LOSS, "Loss while learning: how far off it was, the lower the better."),
    ):
        curves += plot_of(figures, name, caption)
    blocks += folded("How each of them learnt", curves, limits) or curves[:2]
    blocks += folded("What was foretold of them, and what came true", _foretold(result, limits), limits)
    return Section(title="The networks that were tried", blocks=blocks)


def _foretold(result: Result, limits: Limits) -> list[Block]:
    """Return what a sample said of each network beforehand, beside the accuracy that it came to."""
    known = [(each, each.foretold) for each in result.candidates if each.foretold is not None]
    if len(known) < 2:  # noqa: PLR2004 - one alone foretells no order
        return []
    titles = ("Network", "Came to", "Photographs", "Read rightly", "LogME", "H-score", "SFDA", "P2L")
    rows = [
        (
            each.name,
            NONE if each.val_accuracy is None else percent(each.val_accuracy, 1),
            number(found.num_images),
            percent(found.accuracy, 1),
            *(NONE if value is None else f"{value:.3f}" for value in _scores_of(found)),
        )
        for each, found in known[: limits.num_networks]
    ]
    text = (
        "Before anything was fitted to its end, a sample of the photographs was held against each network: how many of "
        "them it reads rightly by what the others teach, and four published scores, of which the higher is the better. "
        "They are for whoever studies how well such scores foretell; they chose nothing but who left early, where "
        "somebody did. P2L is adapted: all networks learnt from one set, so its size is left out, and what that set "
        "looks like is taken from what a network's normalisation remembers of it."
    )
    return [Paragraph(text=text), Table(titles=titles, rows=rows), Paragraph(text=_came_true(known), is_quiet=True)]


def _scores_of(found: Foretold) -> tuple[float | None, ...]:
    return found.log_me, found.h_score, found.sfda, found.p2l


def _came_true(known: Sequence[tuple[CandidateResult, Foretold]]) -> str:
    """Return which of the scores put that network first which came out best, of those that ran to the end."""
    most = max(found.num_images for _, found in known)  # scores compare on the same photographs only
    done = [
        (each.val_accuracy, found)
        for each, found in known
        if each.val_accuracy is not None and found.num_images == most
    ]
    best = max(done, key=lambda pair: pair[0], default=None)
    if best is None or len(done) < 2:  # noqa: PLR2004 - as above
        return "Too few of them ran to the end to say which of these came true."
    names = ("the share read rightly", "LogME", "the H-score", "SFDA", "P2L")
    columns = zip(*((found.accuracy, *_scores_of(found)) for _, found in done), strict=True)
    place = done.index(best)
    right = [
        name
        for name, column in zip(names, columns, strict=True)
        if None not in column and column[place] == max(value for value in column if value is not None)
    ]
    by = enumeration(right) if right else "none of them"
    return f"Which of those that ran to the end would come out best was foretold by: {by}."


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


def tuning_section(result: Result, figures: Figures) -> Section:
    """Return what was done to the winner and what it gained: mirror images, or fine-tuning with which recipe."""
    tuning = result.tuning
    if result.mirroring is not None:
        section = _mirror_section(result.mirroring)
        return replace(section, blocks=[*section.blocks, *_unfreezing(result.unfreezing)])
    if tuning is None and result.unfreezing is not None:
        return Section(title="Fine-tuning", blocks=_unfreezing(result.unfreezing))
    if tuning is None:
        text = "The network's last block was not fine-tuned in this job; only its last layer is fitted to your classes."
        return Section(title="Fine-tuning", blocks=[Paragraph(text=text)])
    before = next((each.val_accuracy for each in result.candidates if each.name == result.winner), None)
    was_kept = tuning.best_epoch > 0
    if not was_kept:
        text = (
            "Fine-tuning the last block brought no gain on the validation photographs, so the network stays as it was."
        )
    else:
        start = f" from {percent(before, 1)}" if before is not None else ""
        text = (
            f"{_fine_tuned(result, tuning.hyperparameters.depth)} "
            f"Validation accuracy went{start} to {percent(tuning.val_accuracy, 1)} (epoch {tuning.best_epoch})."
        )
    blocks: list[Block] = [Paragraph(text=text)]
    caption = "Curves of the best recipe." + (f" {_KEPT_TUNED}" if was_kept else "")
    blocks += plot_of(figures, TUNING, caption)
    if tuning.trials:
        titles = ("Recipe", "Validation", "Epochs", "Time")
        rows = [
            (recipe(trial.hyperparameters), percent(trial.val_accuracy, 1), str(trial.epochs), took(trial.seconds))
            for trial in tuning.trials
        ]
        best = [i for i, trial in enumerate(tuning.trials) if trial.hyperparameters == tuning.hyperparameters]
        strong = best[:1] if was_kept else []
        blocks.append(Table(titles=titles, rows=rows, strong_rows=strong))
        text = f"Recipes were proposed by {tuning.search.value} search."
        blocks.append(Paragraph(text=text, is_quiet=True))
    return Section(title="Fine-tuning", blocks=blocks)


def _fine_tuned(result: Result, depth: float) -> str:
    """Return what of the winner learnt by the best recipe."""
    if not depth:
        return f"Then the last layer of {result.winner} learnt alone, by the best recipe."
    block = f"the last block of {result.winner}, which begins at layer {result.model.cut_layer},"
    if depth == 1:
        return f"Then {block} was fine-tuned too."
    return f"Then {block} was fine-tuned too, the last {percent(depth)} of its layers alone."


def _unfreezing(unfreezing: Unfreezing | None) -> list[Block]:
    """Return whether the network was fine-tuned below its last layer, why, and what each depth gained."""
    if unfreezing is None:
        return []
    text = (
        f"Below its last layer the network was {'' if unfreezing.is_used else 'not '}fine-tuned: {unfreezing.reason}."
    )
    tried = [each for each in unfreezing.depths if each.accuracy_gain is not None]
    if not tried:
        return [Paragraph(text=text)]
    rows = [
        (
            each.cut_after,
            f"{100 * (each.accuracy_gain or 0.0):+.1f} ± {100 * (each.accuracy_gain_error or 0.0):.1f}",
            f"{each.log_loss_gain or 0.0:+.3f} ± {each.log_loss_gain_error or 0.0:.3f}",
            str(each.epochs),
            took(each.seconds),
        )
        for each in tried
    ]
    titles = ("Learning after", "Accuracy, points", "Log loss, less", "Epochs", "Time")
    note = "Judged on the validation photographs, beside the same network whose last layer alone learnt."
    return [Paragraph(text=text), Table(titles=titles, rows=rows), Paragraph(text=note, is_quiet=True)]


def _mirror_section(mirroring: Mirroring) -> Section:
    """Return what mirror images gained, and whether the network looks at them."""
    judged = mirroring.judged
    change = f"{100 * mirroring.accuracy_gain:+.1f} points, give or take {100 * mirroring.accuracy_gain_error:.1f}"
    on = f"cross-validated on {count(judged.num_images, 'photograph')}"
    if mirroring.drawn_from is not None:
        on += f" of {mirroring.drawn_from:,}, drawn by class"
    if mirroring.is_used:
        text = (
            "The network looks at every photograph twice, as it is and mirrored, and answers by the mean of both. That "
            f"changed its accuracy by {change} ({on}), to {percent(judged.accuracy, 1)}."
        )
    else:
        text = (
            f"Whether to look at every photograph mirrored as well was tried ({on}) and left: it would have changed "
            f"accuracy by {change}. {_why_no_mirror(mirroring)}"
        )
    return Section(title="Mirror images", blocks=[Paragraph(text=text)])


def _why_no_mirror(mirroring: Mirroring) -> str:
    """Return why mirror images are not looked at: they do harm, or a sample does not say for sure that they gain."""
    is_harm = mirroring.drawn_from is None or mirroring.log_loss_gain < -mirroring.log_loss_gain_error
    return "Left and right seem to matter here." if is_harm else "That is not sure enough to take twice as long for it."


def recipe(chosen: Hyperparameters) -> str:
    """Return hyper-parameters on one line, those at rest left out."""
    parts = [f"learning rate {chosen.learning_rate:g}", f"batch {chosen.batch_size}"]
    parts += [f"weight decay {chosen.weight_decay:g}"] if chosen.weight_decay else []
    parts += [f"label smoothing {chosen.label_smoothing:g}"] if chosen.label_smoothing else []
    parts += [f"dropout {chosen.dropout:g}"] if chosen.dropout else []
    parts += [_learning(chosen)] if chosen.depth < 1 else []
    parts += ["all levels"] if chosen.every_level else []
    parts += ["mirror images too"] if chosen.mirrored else []
    return ", ".join(parts)


def _learning(chosen: Hyperparameters) -> str:
    """Return which layers learnt."""
    return f"the last {percent(chosen.depth)} of the block" if chosen.depth else "the last layer alone"


def _compared(result: Result, num_done: int) -> str:
    """Return how many networks were compared, on what."""
    judged = next((each.cross_validation for each in trained(result) if each.cross_validation is not None), None)
    if judged is not None:
        return _cross_validated(result, judged, num_done)
    on = f"{count(result.counts.validation, 'validation photograph')}"
    if num_done == 1:
        return (
            f"One network, {result.winner}, was fitted to your photographs, all but its last layer frozen, and checked "
            f"on {on}."
        )
    return (
        f"{num_done} networks were fitted to your photographs, all but the last layer frozen, and compared on {on}. "
        f"{result.winner} came out best."
    )


def _cross_validated(result: Result, judged: CrossValidation, num_done: int) -> str:
    """Return how networks were judged where every photograph but those of the test taught and judged."""
    networks = f"One network, {result.winner}, was" if num_done == 1 else f"{num_done} networks were"
    text = (
        f"{networks} fitted to your photographs, all but the last layer frozen. The "
        f"{count(judged.num_images, 'photograph')} for training and validation were dealt into {judged.num_folds} "
        "parts; each part was judged by a layer that only the other parts had taught. The layer that is delivered "
        "learnt from all of them."
    )
    if num_done == 1:
        has_rival = result.choice is not None and result.choice.runner_up is not None
        return f"{text} {_how_sure(result)}" if has_rival else text
    chosen = (
        f"{text} {result.winner} was chosen: the cheapest that no other beats by more than the standard error of the "
        "difference."
    )
    return f"{chosen} {_how_sure(result)}".rstrip()


def _how_sure(result: Result) -> str:
    """Return how far the choice may be luck, and what having been the best of several is worth."""
    choice = result.choice
    if choice is None:
        return ""
    optimism = max(0.0, choice.optimism)
    worth = (
        f"Being the best of {count(choice.num_tried, 'fitted layer')} flatters a network: of its accuracy about "
        f"{100 * optimism:.1f} points are owed to that."
    )
    if choice.p_value is None:
        return worth
    verdict = (
        "so it is hardly luck that it came out ahead"
        if choice.p_value < _CHANCE
        else "so the order of the two may be luck"
    )
    of_sample = "" if choice.num_sampled is None else f"Of a sample of {count(choice.num_sampled, 'photograph')}, "
    return (
        f"{of_sample}{choice.winner_only} photographs were recognised by it alone and {choice.runner_up_only} by the "
        f"next best, {choice.runner_up}, alone (p = {choice.p_value:.2g}), {verdict}. {worth}"
    )


def _candidate_row(each: CandidateResult) -> tuple[str, ...]:
    judged = each.cross_validation
    accuracy = percent(each.val_accuracy or 0.0, 1)
    return (
        each.name,
        accuracy if judged is None else f"{accuracy} ± {100 * judged.accuracy_error:.1f}",
        NONE if each.train_accuracy is None else percent(each.train_accuracy, 1),
        f"{each.best_epoch or NONE} of {len(each.history.val_accuracy)}" if judged is None else str(len(each.levels)),
        NONE if each.parameters is None else number(each.parameters),
        took(each.seconds),
    )


def _why_not(each: CandidateResult) -> str:
    how = "failed" if each.state is TrialState.FAILED else "skipped"
    return f"{how}: {one_line(each.skipped_because)}" if each.skipped_because else f"{how}; no reason was recorded"
