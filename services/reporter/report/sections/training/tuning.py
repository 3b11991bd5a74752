"""What was done to the winner and what it gained: mirror images, or fine-tuning with which recipe."""

from dataclasses import replace

from services.reporter.report.blocks import Block, Paragraph, Section, Table, plot_of
from services.reporter.report.figures import TUNING, Figures
from services.reporter.report.retelling.reason import why_unfrozen
from services.reporter.report.wording import decimal, number, percent, photographs, took
from shared.job.findings.training import Hyperparameters, Mirroring, Tuning, Unfreezing
from shared.job.result import Result
from shared.language.speech import _, marked

_TITLE = marked("Fine-tuning")


def tuning_section(result: Result, figures: Figures) -> Section:
    """Return what was done to the winner and what it gained: mirror images, or fine-tuning with which recipe."""
    if result.mirroring is not None:
        section = _mirror_section(result.mirroring)
        return replace(section, blocks=[*section.blocks, *_unfreezing(result.unfreezing)])
    if result.tuning is not None:
        return Section(title=_(_TITLE), blocks=_tuned(result, result.tuning, figures))
    if result.unfreezing is not None:
        return Section(title=_(_TITLE), blocks=_unfreezing(result.unfreezing))
    text = _("The network's last block was not fine-tuned in this job; only its last layer is fitted to your classes.")
    return Section(title=_(_TITLE), blocks=[Paragraph(text=text)])


def _tuned(result: Result, tuning: Tuning, figures: Figures) -> list[Block]:
    """Return what fine-tuning brought, the curves of the best recipe, and all recipes."""
    was_kept = tuning.best_epoch > 0
    if was_kept:
        text = f"{_fine_tuned(result, tuning.hyperparameters.depth)} {_went_to(result, tuning)}"
    else:
        text = _(
            "Fine-tuning the last block brought no gain on the validation photographs, so the network stays as it was."
        )
    caption = [_("Curves of the best recipe.")]
    if was_kept:
        caption.append(
            _(
                "The ring marks the epoch that was kept: the one with the highest validation accuracy; later ones "
                "learnt the training photographs, and no more than that."
            )
        )
    blocks: list[Block] = [Paragraph(text=text), *plot_of(figures, TUNING, " ".join(caption))]
    if tuning.trials:
        titles = (_("Recipe"), _("Validation"), _("Epochs"), _("Time"))
        rows = [
            (recipe(trial.hyperparameters), percent(trial.val_accuracy, 1), str(trial.epochs), took(trial.seconds))
            for trial in tuning.trials
        ]
        best = [i for i, trial in enumerate(tuning.trials) if trial.hyperparameters == tuning.hyperparameters]
        blocks.append(Table(titles=titles, rows=rows, strong_rows=best[:1] if was_kept else []))
        proposed = _("Recipes were proposed by the search “{name}”.", name=tuning.search.value)
        blocks.append(Paragraph(text=proposed, is_quiet=True))
    return blocks


def _went_to(result: Result, tuning: Tuning) -> str:
    before = next((each.val_accuracy for each in result.candidates if each.name == result.winner), None)
    after, epoch = percent(tuning.val_accuracy, 1), tuning.best_epoch
    if before is None:
        return _("Validation accuracy went to {after} (epoch {epoch}).", after=after, epoch=epoch)
    return _(
        "Validation accuracy went from {before} to {after} (epoch {epoch}).",
        before=percent(before, 1),
        after=after,
        epoch=epoch,
    )


def _fine_tuned(result: Result, depth: float) -> str:
    """Return what of the winner learnt by the best recipe."""
    name, layer = result.winner, result.model.cut_layer
    if not depth:
        return _("Then the last layer of {name} learnt alone, by the best recipe.", name=name)
    if depth == 1:
        return _(
            "Then the last block of {name}, which begins at layer {layer}, was fine-tuned too.", name=name, layer=layer
        )
    return _(
        "Then the last block of {name}, which begins at layer {layer}, was fine-tuned too, the last {share} of its "
        "layers alone.",
        name=name,
        layer=layer,
        share=percent(depth),
    )


def _unfreezing(unfreezing: Unfreezing | None) -> list[Block]:
    """Return whether the network was fine-tuned below its last layer, why, and what each depth gained."""
    if unfreezing is None:
        return []
    reason = why_unfrozen(unfreezing.reason)
    text = (
        _("Below its last layer the network was fine-tuned: {reason}.", reason=reason)
        if unfreezing.is_used
        else _("Below its last layer the network was not fine-tuned: {reason}.", reason=reason)
    )
    tried = [each for each in unfreezing.depths if each.accuracy_gain is not None]
    if not tried:
        return [Paragraph(text=text)]
    rows = [
        (
            each.cut_after,
            _gain(100 * (each.accuracy_gain or 0.0), 100 * (each.accuracy_gain_error or 0.0), ".1f"),
            _gain(each.log_loss_gain or 0.0, each.log_loss_gain_error or 0.0, ".3f"),
            str(each.epochs),
            took(each.seconds),
        )
        for each in tried
    ]
    titles = (_("Learning after"), _("Accuracy, points"), _("Log loss, less"), _("Epochs"), _("Time"))
    note = _("Judged on the validation photographs, beside the same network whose last layer alone learnt.")
    return [Paragraph(text=text), Table(titles=titles, rows=rows), Paragraph(text=note, is_quiet=True)]


def _gain(value: float, error: float, digits: str) -> str:
    return f"{decimal(value, f'+{digits}')} ± {decimal(error, digits)}"


def _mirror_section(mirroring: Mirroring) -> Section:
    """Return what mirror images gained, and whether the network looks at them."""
    judged = mirroring.judged
    values = {
        "gain": decimal(100 * mirroring.accuracy_gain, "+.1f"),
        "error": decimal(100 * mirroring.accuracy_gain_error, ".1f"),
        "photographs": _judged_on(mirroring),
    }
    if mirroring.is_used:
        text = _(
            "The network looks at every photograph twice, as it is and mirrored, and answers by the mean of both. That "
            "changed its accuracy by {gain} points, give or take {error} (cross-validated on {photographs}), to "
            "{accuracy}.",
            accuracy=percent(judged.accuracy, 1),
            **values,
        )
    else:
        text = _(
            "Whether to look at every photograph mirrored as well was tried (cross-validated on {photographs}) and "
            "left: it would have changed accuracy by {gain} points, give or take {error}.",
            **values,
        )
        text = f"{text} {_why_no_mirror(mirroring)}"
    return Section(title=_("Mirror images"), blocks=[Paragraph(text=text)])


def _judged_on(mirroring: Mirroring) -> str:
    judged = photographs(mirroring.judged.num_images)
    if mirroring.drawn_from is None:
        return judged
    return _("{photographs} of {all}, drawn by class", photographs=judged, all=number(mirroring.drawn_from))


def _why_no_mirror(mirroring: Mirroring) -> str:
    """Return why mirror images are not looked at: they do harm, or a sample does not say for sure that they gain."""
    if mirroring.drawn_from is None or mirroring.log_loss_gain < -mirroring.log_loss_gain_error:
        return _("Left and right seem to matter here.")
    return _("That is not sure enough to take twice as long for it.")


def recipe(chosen: Hyperparameters) -> str:
    """Return hyper-parameters on one line, those at rest left out."""
    parts = [
        _("learning rate {value}", value=decimal(chosen.learning_rate, "g")),
        _("batch {value}", value=chosen.batch_size),
    ]
    for message, value in (
        (marked("weight decay {value}"), chosen.weight_decay),
        (marked("label smoothing {value}"), chosen.label_smoothing),
        (marked("dropout {value}"), chosen.dropout),
    ):
        parts += [_(message, value=decimal(value, "g"))] if value else []
    parts += [_learning(chosen)] if chosen.depth < 1 else []
    parts += [_("all levels")] if chosen.every_level else []
    parts += [_("mirror images too")] if chosen.mirrored else []
    return ", ".join(parts)


def _learning(chosen: Hyperparameters) -> str:
    """Return which layers learnt."""
    if chosen.depth:
        return _("the last {share} of the block", share=percent(chosen.depth))
    return _("the last layer alone")
