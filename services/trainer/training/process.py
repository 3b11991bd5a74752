"""``python -m services.trainer.training.process``: a training process. Imports first, then one order, then it is gone.

Standard input brings the order and, after it, requests to stop; its end means that the worker is dead. Standard output
carries :class:`services.trainer.protocol.Message` only.
"""

import gc
import logging
import os
import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from services.trainer import failure
from services.trainer.export.verifier import Verifier, VerifierLost
from services.trainer.protocol import STOP, Message, MessageKind, Order, StopReason, decode_line, encode_line
from services.trainer.run.context import Stopped
from services.trainer.run.device import Device
from services.trainer.run.patient_store import PatientStore
from services.trainer.scratch.disk import NoRoom, is_disk_full
from services.trainer.scratch.workspace import open_temporary_folder
from services.trainer.settings import TrainerSettings
from services.trainer.training.material import ArchiveRefused
from services.trainer.training.preparation import prepare_training
from services.trainer.training.task import Outcome, Tools
from shared.backends import open_backends
from shared.errors import ConvtailorError, NotFound, Transient, UserFault
from shared.logs import bound, start_logging
from shared.process.lean_import import without_packages
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter
from shared.settings import load

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Control:
    """What the worker has said so far."""

    orders: "queue.SimpleQueue[Order]" = field(default_factory=queue.SimpleQueue)
    reason: StopReason | None = None
    _ordered: bool = False

    def take(self, line: bytes) -> None:
        """Take a line: first the order, then requests to stop."""
        if not self._ordered:
            self._ordered = True
            self.orders.put(decode_line(Order, line))
        elif line.startswith(STOP.encode()):
            self.reason = StopReason(line.decode().split()[1])


def last_word(work: Callable[[], Outcome], control: Control) -> Message:
    """Do the work and return how it ended, whatever happened."""
    try:
        outcome = work()
    except NoRoom as error:
        return _full(error)
    except VerifierLost as error:
        logger.warning("the export could not be verified", extra={"reason": str(error)})
        return Message(kind=MessageKind.FAILED, fault=failure.verifier_lost(error.return_code))
    except ConvtailorError as error:
        return _told(error)
    except Exception as error:  # the outermost loop of this process
        if is_disk_full(error):
            return Message(
                kind=MessageKind.NO_ROOM, reason=f"{type(error).__name__}: {error}"[: failure.MAX_CHARACTERS]
            )
        logger.exception("training failed")
        return Message(kind=MessageKind.FAILED, fault=failure.unforeseen(error))
    # A cancel that came while the network was exported still is one; the network is kept.
    cancelled = control.reason if control.reason is StopReason.CANCELLED else None
    return Message(kind=MessageKind.FINISHED, artefacts=outcome.artefacts, reason=cancelled or outcome.stopped_because)


def _full(error: Exception) -> Message:
    needed_bytes = error.needed_bytes if isinstance(error, NoRoom) else None
    reason = f"{type(error).__name__}: {error}"[: failure.MAX_CHARACTERS]
    return Message(kind=MessageKind.NO_ROOM, reason=reason, needed_bytes=needed_bytes)


def _told(error: ConvtailorError) -> Message:
    """The table of errors of this process."""
    match error:
        case Stopped():
            return Message(kind=MessageKind.STOPPED, reason=error.reason)
        case ArchiveRefused():
            return Message(kind=MessageKind.REJECTED, fault=error.fault)
        case UserFault():
            return Message(kind=MessageKind.FAILED, fault=error.fault)
        case Transient():
            return Message(kind=MessageKind.UNREACHABLE, reason=str(error))
        case NotFound():
            return Message(kind=MessageKind.FAILED, fault=failure.archive_gone(error))
        case _:
            return Message(kind=MessageKind.FAILED, fault=failure.unforeseen(error))


def main() -> None:
    """Wait for the order, carry it out, say how it ended."""
    control = Control()
    starter = Starter(control.take)
    settings = load(TrainerSettings, os.environ)
    spare_the_machine(has_accelerator=settings.require_gpu)
    start_logging(settings.log_level, "training")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # the accelerator may be another process's too
    temporary = open_temporary_folder(settings.scratch)
    verifier = Verifier()

    def say(message: Message) -> None:
        starter.say(encode_line(message))

    warm_up = threading.Thread(target=_warm_up, args=(settings, say), name="warm-up", daemon=True)
    warm_up.start()
    order = control.orders.get()
    with bound(job_id=order.job_id, fence=order.fence):
        tools = Tools(
            objects=PatientStore(store=open_backends(settings).object_store),
            settings=settings,
            verifier=verifier,
            say=say,
            asked_to_stop=lambda: control.reason,
            await_warmth=warm_up.join,
        )
        say(last_word(lambda: carry_out(order, tools), control))
    verifier.end()
    if temporary is not None:
        shutil.rmtree(settings.scratch / temporary, ignore_errors=True)
    os._exit(0)  # taking TensorFlow down in good order costs half a second that nobody needs


def carry_out(order: Order, tools: Tools) -> Outcome:
    """Prepare while TensorFlow is still being imported, then train."""
    prepared = prepare_training(order, tools)
    prepared.clock.wait_for(tools.await_warmth)
    from services.trainer.training.pipeline import train  # noqa: PLC0415 - imports TensorFlow

    gc.freeze()  # what TensorFlow made at its import stays: every look for garbage would go through it
    return train(prepared)


def _warm_up(settings: TrainerSettings, say: Callable[[Message], None]) -> None:
    """Import what training needs while nobody waits for it; where a GPU is required, tell whether there is one."""
    if not settings.require_gpu:
        _start_tensorflow(settings)
        return
    try:
        device = _start_tensorflow(settings)
        objection = device.objection(require_gpu=True)
    except Exception as error:  # whatever it is, this machine cannot train, and a job must not pay for that
        logger.exception("TensorFlow did not start")
        say(Message(kind=MessageKind.UNFIT, reason=f"TensorFlow did not start: {error}"[: failure.MAX_CHARACTERS]))
        return
    if objection is None:
        say(Message(kind=MessageKind.READY, device=device.name))
    else:
        say(Message(kind=MessageKind.UNFIT, reason=objection))


def _start_tensorflow(settings: TrainerSettings) -> Device:
    """Import all that the pipeline needs, which takes seconds, and start it."""
    with without_packages("matplotlib"):
        from services.trainer.run.accelerator import find_device, set_up  # noqa: PLC0415
        from services.trainer.training import pipeline  # noqa: F401, PLC0415

    set_up(settings.threads)
    return find_device(may_mix=settings.mixed_precision)


if __name__ == "__main__":
    main()
