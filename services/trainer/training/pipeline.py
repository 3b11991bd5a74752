"""A training on one page: prepare, screen, tune, evaluate, export."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from services.trainer.export.delivery import deliver_package, deliver_result
from services.trainer.export.verifier import Verifier
from services.trainer.protocol import Message, MessageKind, Order, StopReason, candidate_trial
from services.trainer.run.context import Run
from services.trainer.run.cost import plan
from services.trainer.run.deadline import Countdown, Deadline, resumed_price_s
from services.trainer.run.ledger import ObjectLedger
from services.trainer.run.progress import Forecast, PhaseClock
from services.trainer.scratch.disk import disk_usage, ensure_room
from services.trainer.scratch.need import DiskNeed, disk_need
from services.trainer.scratch.workspace import fetch_archive, hold_workspace, kept_bytes, open_workspace
from services.trainer.settings import TrainerSettings
from services.trainer.training.material import Source, gather
from services.trainer.training.result_document import Pieces, tell
from services.trainer.zoo.sources.mirror import open_mirror
from services.trainer.zoo.sources.weights import Resolution, resolve
from shared.job.candidates import AUTO
from shared.job.job import Artefacts, Trial, TrialState
from shared.ports.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a training may touch.

    Args:
        objects: Archives and artefacts.
        settings: See there.
        verifier: Already started.
        say: Speaks to the worker.
        asked_to_stop: Returns why the worker wants the run to end, or ``None``.
        await_warmth: Returns once TensorFlow is ready.
        monotonic: Seconds on a clock that nobody sets.
        started: When the order came, on that clock.
    """

    objects: ObjectStore
    settings: TrainerSettings
    verifier: Verifier
    say: Callable[[Message], None]
    asked_to_stop: Callable[[], StopReason | None]
    await_warmth: Callable[[], None]
    monotonic: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a training leaves.

    Args:
        artefacts: Verified and stored.
        stopped_because: Why training ended before it was done, if it did.
    """

    artefacts: Artefacts
    stopped_because: str | None


def train(order: Order, tools: Tools) -> Outcome:
    """Carry out an order from the archive to the verified export.

    Raises:
        ArchiveRefused: If the archive is unusable.
        UserFault: If training is impossible or its result cannot be trusted.
        Stopped: If it was told to stop before anything was trained.
        NotFound: If the archive is gone.
        Transient: If the object store did not answer.
        OSError: If the disk is full, as far as :func:`services.trainer.scratch.disk.is_disk_full` says so.
    """
    options = order.options
    clock = _clock(order, tools)
    run = _run(order, tools, clock)
    with clock.phase("prepare"):
        archive = _fetch(order, tools, run)
        material = gather(_source(order, tools, clock, archive), run, is_resumed=order.fence > 1)
        run, dataset = material.run, material.dataset
    # Only now: in a process that was started for this job, images were decoded while TensorFlow was imported.
    clock.wait_for(tools.await_warmth)
    from services.trainer.training import steps  # noqa: PLC0415

    device = steps.find_device(may_mix=tools.settings.mixed_precision)
    tools.say(Message(kind=MessageKind.DEVICE, device=device.name))
    run = replace(run, precision=device.precision)
    with clock.phase("screen"):
        learning = dataset.learning
        screening = steps.screen(
            learning, material.usable, run, epochs=options.epochs, racing=AUTO in options.candidates
        )
    with clock.phase("tune"):
        trained = steps.tune(
            learning,
            screening,
            run,
            epochs=options.tune_epochs,
            trials=options.tune_trials,
            search=options.tune_search,
        )
    stopped_because = run.stop_reason()
    with clock.phase("evaluate"):
        scored = steps.score(learning, dataset.seal(), trained, run)
    with clock.phase("export"):
        exported = steps.export(scored, learning, trained, archive, tools.verifier)
        artefacts = deliver_package(tools.objects, exported.package, job_id=order.job_id, fence=order.fence)
    pieces = Pieces(
        others=material.others,
        dataset=dataset,
        screening=screening,
        trained=trained,
        scored=scored,
        exported=exported,
        device=device.name,
    )
    result_key = _deliver_result(order, tools, clock, pieces, stopped_because)
    return Outcome(artefacts=replace(artefacts, result=result_key), stopped_because=stopped_because)


def _deliver_result(order: Order, tools: Tools, clock: PhaseClock, pieces: Pieces, stopped_because: str | None) -> str:
    result = tell(
        pieces,
        job_id=order.job_id,
        seed=order.options.seed,
        stopped_because=stopped_because,
        spent_s=clock.spent_s,
        total_s=tools.monotonic() - tools.started,
    )
    return deliver_result(tools.objects, result, fence=order.fence)


def _clock(order: Order, tools: Tools) -> PhaseClock:
    return PhaseClock(
        listener=lambda progress: tools.say(Message(kind=MessageKind.PROGRESS, progress=progress)),
        forecast=Forecast(plan_s=plan(order.num_images, (), order.options), started=tools.started),
    )


def _run(order: Order, tools: Tools, clock: PhaseClock) -> Run:
    countdown = Countdown(
        deadline=Deadline(started=tools.started, seconds_left=order.seconds_left),
        monotonic=tools.monotonic,
        tell=lambda price_s: tools.say(Message(kind=MessageKind.PRICE, delivery_s=price_s)),
    )

    def stop_reason() -> str | None:
        if order.only_delivers:
            return StopReason.LOST
        return tools.asked_to_stop() or (StopReason.BUDGET if countdown.is_over else None)

    ledger = ObjectLedger(
        objects=tools.objects,
        job_id=order.job_id,
        fence=order.fence,
        tell=lambda trial: tools.say(Message(kind=MessageKind.TRIAL, trial=trial)),
    )
    if order.resumes:
        countdown.reprice(resumed_price_s(order.archive_bytes, order.num_images))
    hold_workspace(tools.settings.scratch, order.job_id)  # for as long as this process lives
    return Run(
        directory=open_workspace(tools.settings.scratch, order.job_id, order.fence),
        seed=order.options.seed,
        report=clock.report,
        stop_reason=stop_reason,
        countdown=countdown,
        ledger=ledger,
        halvings=order.halvings,
    )


def _fetch(order: Order, tools: Tools, run: Run) -> Path:
    return fetch_archive(
        tools.objects,
        order.archive_key,
        generation=order.archive_generation,
        directory=run.directory,
        size_bytes=order.archive_bytes,
    )


def _room_for(order: Order, tools: Tools, found: Resolution) -> DiskNeed:
    """Return what the candidates whose weights were found need of the disk, once it has room for it.

    Raises:
        UserFault: ``disk_too_small``.
        NoRoom: If the room is another's now.
    """
    need = disk_need(
        num_images=order.num_images,
        archive_bytes=order.archive_bytes,
        candidates=[backbone for backbone, _ in found.usable],
    )
    scratch = tools.settings.scratch
    ensure_room(need.total, kept_bytes=kept_bytes(scratch, order.job_id), usage=disk_usage(scratch))
    return need


def _source(order: Order, tools: Tools, clock: PhaseClock, archive: Path) -> Source:
    settings = tools.settings

    def admit(run: Run, found: Resolution) -> Run:
        """Show candidates without weights as skipped, with the reason, and make sure that the others fit the disk."""
        for name, reason in found.skipped:
            trial = Trial(name=candidate_trial(name), state=TrialState.SKIPPED, reason=reason)
            tools.say(Message(kind=MessageKind.TRIAL, trial=trial))
        gflops = [backbone.gflops for backbone, _ in found.usable]
        clock.forecast.plan_s.update(plan(order.num_images, gflops, order.options))
        return replace(run, reserve_bytes=_room_for(order, tools, found).later)

    find = partial(
        resolve,
        mirror=open_mirror(settings),
        allow_download=settings.download,
        cache_dir=settings.weights_cache_dir,
        timeout_s=settings.download_timeout_s,
    )
    return Source(archive=archive, options=order.options, resolve=find, admit=admit)
