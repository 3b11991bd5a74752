"""A training on one page: its photographs are prepared; screen, tune, evaluate, export."""

import logging
from dataclasses import replace
from datetime import timedelta

from services.trainer.analysis.analyse import analyse
from services.trainer.export.delivery import deliver_files, deliver_package, deliver_result
from services.trainer.export.formats.format_trials import FormatTrials
from services.trainer.protocol import Message, MessageKind
from services.trainer.run.accelerator import find_device
from services.trainer.run.context import Run
from services.trainer.scratch.calibration import keep_calibration, learnt, read_calibration
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.screen import Screening, screen
from services.trainer.training.bundling import bundle, write_strangers
from services.trainer.training.exporting import Exported, export, write
from services.trainer.training.formats import Delivered, add_formats, expect_formats
from services.trainer.training.preparation import Prepared
from services.trainer.training.result_document import Pieces, result_of
from services.trainer.training.scoring import Scored, score, with_focus
from services.trainer.training.task import Outcome
from services.trainer.tuning.tune import Trained, TunePlan, tune
from services.trainer.zoo.combination.limits import Limits
from shared.job.job import Artefacts
from shared.job.options import JobOptions, LevelChoice
from shared.job.progress import Spending
from shared.job.result import Bill, KeptDays
from shared.job.retention import retention_of
from shared.language.speech import speaking
from shared.layout import Artefact

logger = logging.getLogger(__name__)


def train(prepared: Prepared) -> Outcome:
    """Carry a prepared training on to the verified export.

    Raises:
        UserFault: If training is impossible or its result cannot be trusted.
        Stopped: If it was told to stop before anything was trained.
        VerifierLost: If the export could not be verified.
        Transient: If the object store did not answer.
        OSError: If the disk is full, as far as :func:`services.trainer.scratch.disk.is_disk_full` says so.
    """
    order, tools, clock, material = prepared.order, prepared.tools, prepared.clock, prepared.material
    options, dataset = order.options, material.dataset
    device = find_device(may_mix=tools.settings.mixed_precision)
    tools.say(Message(kind=MessageKind.DEVICE, device=device.name))
    run = replace(material.run, precision=device.precision)
    tools.verifier.warm()  # networks are built and traced on one core first
    with clock.phase("screen"):
        learning = dataset.learning
        limits = _limits(options, run)
        heads = HeadPlan(levels=options.levels, epochs=options.epochs, limits=limits)
        screening = screen(learning, material.usable, run, heads, racing=not options.exhaustive)
    with clock.phase("tune"):
        trained = tune(learning, screening, run, _improvements(options, screening, run, limits))
    stopped_because = run.stop_reason()
    with clock.phase("evaluate"):
        scored = score(learning, dataset.seal(), trained, run)
        written = write(scored, learning, trained, archive=prepared.archive, verifier=tools.verifier, run=run)
        scored, focus = with_focus(scored, learning, trained, run)
        analysis = analyse(learning, trained, scored.evaluation, run, strength=_strength(screening, trained))
    with clock.phase("export"), FormatTrials() as trials:
        expect_formats(trials, run)
        exported = export(written, scored, trained, tools.verifier)
        artefacts = deliver_package(tools.objects, exported.package, job_id=order.job_id, fence=order.fence)
        formats = add_formats(_delivered(prepared, exported, scored, trained), tools.verifier, trials, run)
    pieces = Pieces(
        others=material.others,
        dataset=dataset,
        screening=screening,
        trained=trained,
        scored=scored,
        analysis=analysis,
        focus=focus,
        exported=exported,
        formats=formats,
        device=device.name,
        handover=material.handover,
        remarks=material.remarks,
    )
    artefacts = _deliver_rest(prepared, pieces, artefacts, stopped_because)
    if stopped_because is None and order.fence == 1:
        _calibrate(prepared, device.name)
    return Outcome(artefacts=artefacts, stopped_because=stopped_because)


def _delivered(prepared: Prepared, exported: Exported, scored: Scored, trained: Trained) -> Delivered:
    """Return what other formats are made from, and held against."""
    return Delivered(
        package=exported.package,
        evaluation=scored.evaluation,
        learning=prepared.material.dataset.learning,
        px=trained.backbone.input_px,
        archive=prepared.archive,
    )


def _calibrate(prepared: Prepared, device: str) -> None:
    """Remember how long the phases took, for the estimate of the next job."""
    file, clock = prepared.tools.settings.calibration, prepared.clock
    keep_calibration(file, learnt(read_calibration(file), device, clock.forecast.plan_s, clock.spent_s))


def _strength(screening: Screening, trained: Trained) -> float:
    """Return the regularisation by which cross-validation judged what is delivered; 0 where it did not."""
    mirroring = trained.mirroring
    is_mirrored = mirroring is not None and mirroring.is_used
    judged = mirroring.judged if mirroring is not None and is_mirrored else screening.result.cross_validation
    return judged.strength if judged is not None else 0.0


def _limits(options: JobOptions, run: Run) -> Limits:
    """Return what the person asks of the network, as far as the disk has room for it."""
    limits = Limits.of(options)
    return replace(limits, most_backbones=min(limits.most_backbones, run.keeping.most_backbones))


def _improvements(options: JobOptions, screening: Screening, run: Run, limits: Limits) -> TunePlan:
    """Return what is tried on the winner; a mirror image takes as long again, so one too slow for that gets none."""
    pace, views = screening.pace, min(options.views, run.keeping.views)
    is_too_slow = pace is not None and limits.objection_to_speed(pace.image_s, views=views) is not None
    return TunePlan(
        epochs=options.tune_epochs,
        trials=options.tune_trials,
        search=options.tune_search,
        views=1 if is_too_slow else views,
        searches_levels=options.levels is LevelChoice.SEARCHED,
    )


def _deliver_rest(prepared: Prepared, pieces: Pieces, artefacts: Artefacts, stopped_because: str | None) -> Artefacts:
    """Store the other formats, the one file with everything, and the result, which makes the delivery whole."""
    order, tools, clock = prepared.order, prepared.tools, prepared.clock
    files = dict(pieces.formats.files)
    total_s = tools.monotonic() - tools.started
    result = result_of(
        pieces,
        job_id=order.job_id,
        seed=order.options.seed,
        stopped_because=stopped_because,
        spent_s=clock.spent_s,
        total_s=total_s,
        bill=Bill(estimate=clock.estimate, spent=Spending.of(round(total_s, 1), clock.price_per_hour)),
    )
    archive = retention_of(tools.settings).archives_of(order.options)
    kept = KeptDays(artefacts=tools.settings.artefact_days, archive=archive / timedelta(days=1))
    result = replace(result, kept_days=kept)
    package = pieces.exported.package
    try:
        files |= write_strangers(package, pieces.scored, pieces.dataset.classes)
        with speaking(order.options.language):
            files[Artefact.MODEL_ZIP] = bundle(package, pieces.formats, result, pieces.dataset, pieces.scored)
    except OSError as error:  # such as a full disk; what one cannot do without is delivered file by file
        logger.warning("the zip of the delivery could not be written", extra={"reason": str(error)})
    artefacts = deliver_files(tools.objects, files, artefacts, job_id=order.job_id, fence=order.fence)
    return replace(artefacts, result=deliver_result(tools.objects, result, fence=order.fence))
