"""What a training does before it needs TensorFlow: fetch the archive, find weights, decode the photographs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from services.trainer.data.decoders import decoder
from services.trainer.export.formats.order import cannot_be_tried
from services.trainer.protocol import Message, MessageKind, Order, StopReason, candidate_trial
from services.trainer.run.context import Run
from services.trainer.run.cost import candidate_s, plan
from services.trainer.run.deadline import Countdown, Deadline, resumed_price_s
from services.trainer.run.ledger import ObjectLedger
from services.trainer.run.memory import memory_objection
from services.trainer.run.progress import Forecast, PhaseClock
from services.trainer.scratch.calibration import read_calibration
from services.trainer.scratch.disk import HEADROOM_BYTES
from services.trainer.scratch.need import Keeping, disk_need
from services.trainer.scratch.promise import promise_room, promised_to_others
from services.trainer.scratch.thrift import Arrangement, Photographs, arrange
from services.trainer.scratch.workspace import fetch_archive, hold_workspace, lasting_usage, open_workspace
from services.trainer.training.material import Admitted, Material, Source, gather
from services.trainer.training.task import Tools
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.combination.limits import Limits
from services.trainer.zoo.sources.auto import SHARE, Means
from services.trainer.zoo.sources.mirror import open_mirror
from services.trainer.zoo.sources.weights import Resolution, resolve
from shared.job.job import Trial, TrialState
from shared.job.retraining.handover import Handover
from shared.json_codec import from_json_text
from shared.layout import FILE_NAMES
from shared.process.memory_limit import memory_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A training whose photographs are decoded.

    Args:
        order: What is asked for.
        tools: What it may touch.
        clock: Times its phases.
        archive: The zip on the local disk.
        material: Candidates and photographs, and the run that works on them.
    """

    order: Order
    tools: Tools
    clock: PhaseClock
    archive: Path
    material: Material


def prepare_training(order: Order, tools: Tools) -> Prepared:
    """Make everything ready for the steps that need TensorFlow, which meanwhile is imported by another thread.

    Raises:
        ArchiveRefused: If the archive is unusable.
        UserFault: If no candidate has weights, or the job can never fit on this disk.
        Stopped: If it was told to stop and nothing was finished before.
        NotFound: If the archive is gone.
        Transient: If the object store did not answer.
        OSError: If the disk is full, as far as :func:`services.trainer.scratch.disk.is_disk_full` says so.
    """
    clock = _clock(order, tools)
    run = _run(order, tools, clock)
    with clock.phase("prepare"):
        archive = _fetch(order, tools, run)
        decoder.warm()  # weights are found before the first photograph is decoded
        material = gather(_source(order, tools, clock, archive), run, is_resumed=order.fence > 1)
    return Prepared(order=order, tools=tools, clock=clock, archive=archive, material=material)


def _clock(order: Order, tools: Tools) -> PhaseClock:
    return PhaseClock(
        listener=lambda progress: tools.say(Message(kind=MessageKind.PROGRESS, progress=progress)),
        forecast=Forecast(plan_s=plan(order.num_images, (), order.options, _slowness(tools)), started=tools.started),
        price_per_hour=tools.settings.hourly_price,
    )


def _slowness(tools: Tools) -> Mapping[str, float]:
    """Return how slow this machine was with earlier jobs, by phase."""
    return read_calibration(tools.settings.calibration).slowness


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
        memory_bytes=memory_bytes(),
        formats=tools.settings.wanted_formats,
        num_tried=sum(cannot_be_tried(Path(FILE_NAMES[each])) is None for each in tools.settings.wanted_formats),
    )


def _fetch(order: Order, tools: Tools, run: Run) -> Path:
    return fetch_archive(
        tools.objects,
        order.archive_key,
        generation=order.archive_generation,
        directory=run.directory,
        size_bytes=order.archive_bytes,
    )


def _room_for(order: Order, tools: Tools, found: Resolution) -> Arrangement:
    """Return how the candidates whose weights were found are compared on this disk, once it has room for that.

    Raises:
        UserFault: ``disk_too_small``.
        NoRoom: If the room is another's now.
    """
    scratch, options = tools.settings.scratch, order.options
    arrangement = arrange(
        [backbone for backbone, _ in found.usable],
        Photographs(num_images=order.num_images, archive_bytes=order.archive_bytes),
        Keeping(most_backbones=options.max_backbones, views=options.views),
        lasting_usage(scratch).best_bytes - HEADROOM_BYTES,
    )
    usage = None if tools.settings.wait_for_disk else lasting_usage(scratch)
    promise_room(scratch, order.job_id, arrangement.need.total, usage=usage)
    return arrangement


def _means(order: Order, tools: Tools, slowness: Mapping[str, float]) -> Means[Backbone]:
    """Return what this machine has to compare networks with, where the person left the choice of them open."""
    memory, free = memory_bytes(), lasting_usage(tools.settings.scratch).best_bytes - HEADROOM_BYTES

    def objection(row: Backbone, others: Sequence[Backbone]) -> str | None:
        need = disk_need(
            num_images=order.num_images, archive_bytes=order.archive_bytes, candidates=[*others, row]
        ).total
        if others and need > free:
            return (
                f"its pictures beside those of the others need {need / 1e9:.1f} GB of the disk, which has "
                f"{free / 1e9:.1f} GB; name it among fewer candidates"
            )
        return Limits.of(order.options).objection_to_size(row) or memory_objection(row.size_bytes, memory)

    return Means(
        seconds=SHARE * order.seconds_left,
        cost_s=lambda row: candidate_s(row, order.num_images, slowness),
        objection=objection,
    )


def _source(order: Order, tools: Tools, clock: PhaseClock, archive: Path) -> Source:
    settings, slowness = tools.settings, _slowness(tools)

    def admit(run: Run, found: Resolution) -> Admitted:
        """Show candidates that take no part, with the reason, and make sure that the others fit the disk."""
        room = _room_for(order, tools, found)
        usable = tuple(each for each in found.usable if each[0].name in room.names)
        found = Resolution(usable=usable, skipped=(*found.skipped, *room.left))
        for name, reason in found.skipped:
            trial = Trial(name=candidate_trial(name), state=TrialState.SKIPPED, reason=reason)
            tools.say(Message(kind=MessageKind.TRIAL, trial=trial))
        gflops = [backbone.gflops for backbone, _ in usable]
        clock.estimate_by(plan(order.num_images, gflops, order.options, slowness))
        later, scratch = room.need.later, settings.scratch
        run = replace(
            run, keeping=room.keeping, reserved_bytes=lambda: later + promised_to_others(scratch, order.job_id)
        )
        return Admitted(run=run, found=found, remarks=room.remarks)

    find = partial(
        resolve,
        mirror=open_mirror(settings),
        allow_download=settings.download,
        cache_dir=settings.weights_cache_dir,
        timeout_s=settings.download_timeout_s,
        means=_means(order, tools, slowness),
        objection=Limits.of(order.options).objection_to_size,
    )
    return Source(
        archive=archive, options=order.options, resolve=find, admit=admit, handover=_read_handover(order, tools)
    )


def _read_handover(order: Order, tools: Tools) -> Handover | None:
    """Read what another job handed this one.

    Raises:
        NotFound: If it is gone, which it is only where the archive is.
    """
    if order.handover_key is None:
        return None
    return from_json_text(Handover, tools.objects.read(order.handover_key))
