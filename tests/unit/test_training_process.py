"""The last word of a training process: what every kind of end is told as, and what it understands of the worker."""

import errno
import subprocess
import sys

import pytest

from services.trainer.export.check import ExportCheck, objection
from services.trainer.export.verifier import VerifierLost
from services.trainer.protocol import MessageKind, Order, StopReason, encode_line
from services.trainer.run.context import Stopped
from services.trainer.scratch.disk import NoRoom
from services.trainer.training.material import ArchiveRefused
from services.trainer.training.process import Control, last_word
from services.trainer.training.task import Outcome
from shared.errors import NotFound, Transient, UserFault
from shared.job.job import Artefacts
from shared.job.options import JobOptions

DONE = Outcome(artefacts=Artefacts(model_h5="h5"), stopped_because=None)
CUT_SHORT = Outcome(artefacts=Artefacts(model_h5="h5"), stopped_because="budget")


class ResourceExhaustedError(Exception):
    """Named as TensorFlow names it."""


def raises(error: Exception) -> Outcome:
    raise error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ArchiveRefused("class_too_small", "m", fix="f"), MessageKind.REJECTED, "class_too_small"),
        (UserFault("no_usable_candidate", "m", fix="f"), MessageKind.FAILED, "no_usable_candidate"),
        (NotFound("gone"), MessageKind.FAILED, "archive_gone"),
        (MemoryError(), MessageKind.FAILED, "out_of_memory"),
        (ResourceExhaustedError(), MessageKind.FAILED, "out_of_memory"),
        (ZeroDivisionError("oops"), MessageKind.FAILED, "internal_error"),
    ],
)
def test_every_error_has_its_kind_and_code(error: Exception, kind: MessageKind, code: str) -> None:
    message = last_word(lambda: raises(error), Control())
    assert message.fault is not None
    assert (message.kind, message.fault.code) == (kind, code)


@pytest.mark.parametrize(
    ("error", "needed_bytes"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), None),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), None),
        (RuntimeError("file write failed: errno = 28, error message = 'No space left on device'"), None),
        (NoRoom("another job is at work", needed_bytes=5), 5),
    ],
)
def test_a_full_disk_is_the_machines_fault_and_ends_no_job(error: Exception, needed_bytes: int | None) -> None:
    message = last_word(lambda: raises(error), Control())
    assert (message.kind, message.needed_bytes, message.fault) == (MessageKind.NO_ROOM, needed_bytes, None)


def test_a_verifier_that_is_lost_says_nothing_about_the_network() -> None:
    message = last_word(lambda: raises(VerifierLost(-11)), Control())
    assert message.fault is not None
    assert (message.kind, message.fault.code) == (MessageKind.FAILED, "training_crashed")


def test_a_store_out_of_reach_is_no_failure() -> None:
    assert last_word(lambda: raises(Transient("slow")), Control()).kind is MessageKind.UNREACHABLE


def test_stopped_before_anything_was_trained() -> None:
    message = last_word(lambda: raises(Stopped("budget")), Control())
    assert (message.kind, message.reason) == (MessageKind.STOPPED, "budget")


@pytest.mark.parametrize(
    ("outcome", "asked", "reason"),
    [
        (DONE, None, None),
        (CUT_SHORT, None, "budget"),
        (DONE, StopReason.CANCELLED, "cancelled"),
        (CUT_SHORT, StopReason.CANCELLED, "cancelled"),
        (DONE, StopReason.BUDGET, None),
    ],
)
def test_a_cancel_counts_until_the_end(outcome: Outcome, asked: StopReason | None, reason: str | None) -> None:
    message = last_word(lambda: outcome, Control(reason=asked))
    assert (message.kind, message.artefacts, message.reason) == (MessageKind.FINISHED, outcome.artefacts, reason)


def test_the_worker_speaks_first_of_the_order_then_of_stopping() -> None:
    order = Order(
        job_id="j",
        fence=2,
        archive_key="k",
        archive_generation="g",
        num_images=9,
        options=JobOptions(seed=7),
        seconds_left=60.0,
    )
    control = Control()
    control.take(encode_line(order))
    assert control.orders.get_nowait() == order
    assert control.reason is None
    control.take(b"stop cancelled\n")
    assert control.reason is StopReason.CANCELLED


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (ExportCheck(same_input_gap=0.0001), None),
        (ExportCheck(same_input_gap=0.0001, predicted=(0, 1, None)), None),
        (ExportCheck(same_input_gap=0.02), "on the same pixels"),
        (ExportCheck(error="OSError: truncated"), "could not be loaded"),
    ],
)
def test_only_a_faithful_file_is_announced(check: ExportCheck, said: str | None) -> None:
    fault = objection("model.h5", check)
    if said is None:
        assert fault is None
    else:
        assert fault is not None
        assert fault.code == "export_not_faithful"
        assert said in fault.message


def test_neither_worker_nor_a_training_process_before_its_warm_up_imports_tensorflow() -> None:
    program = (
        "import sys, services.trainer.bootstrap, services.trainer.training.process;"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
