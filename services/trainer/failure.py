"""How a training can fail, in words for the person who asked for it."""

import signal

from shared.errors import Fault

OPERATOR_FIX = "Submit the archive again; if it fails again, send this message to whoever runs this service."
SMALLER_FIX = "Choose smaller candidates such as tiny, mobilenet_0.5 or mobilenet_v2, or run it with more memory."
MAX_CHARACTERS = 500


def died(return_code: int, attempts: int) -> Fault:
    """Tell that the training process died in every attempt.

    Args:
        return_code: Exit status of the last one; negative: the number of the signal that killed it.
        attempts: How many there were.
    """
    if return_code == -signal.SIGKILL:
        return Fault(
            code="out_of_memory",
            message=f"The system killed the training {attempts} times, most likely because memory ran out.",
            fix=SMALLER_FIX,
            details={"attempts": attempts, "return_code": return_code},
        )
    return Fault(
        code="training_crashed",
        message=f"The training process crashed {attempts} times; the last time it ended with {return_code}.",
        fix=OPERATOR_FIX,
        details={"attempts": attempts, "return_code": return_code},
    )


def verifier_lost(return_code: int | None) -> Fault:
    """Tell that the process was lost that verifies what would be delivered, and its successor too.

    Args:
        return_code: What the second ended with; negative: the number of the signal that killed it; ``None``: it hung.
    """
    if return_code == -signal.SIGKILL:
        code, ending, fix = "out_of_memory", "was killed by the system, most likely because memory ran out", SMALLER_FIX
    else:
        ending = "did not answer" if return_code is None else f"ended with {return_code}"
        code, fix = "training_crashed", OPERATOR_FIX
    return Fault(
        code=code,
        message=f"A network was trained, but the process that verifies it {ending}, twice. Nothing is delivered that "
        "was not verified.",
        fix=fix,
        details={"return_code": return_code},
    )


def gave_up(attempts: int) -> Fault:
    """Tell that every worker that took the job up was lost."""
    return Fault(
        code="training_lost",
        message=f"The worker was lost {attempts} times while it trained; no further attempt is made.",
        fix=SMALLER_FIX,
        details={"attempts": attempts},
    )


def budget_overrun(budget_minutes: float, waited_s: float) -> Fault:
    """Tell that the training did not come to an end when its budget was spent.

    Args:
        budget_minutes: Of the job.
        waited_s: Seconds that it was waited for after it was told to stop.
    """
    return Fault(
        code="budget_overrun",
        message=f"The training did not come to an end within {waited_s:.0f} s after it was told that its budget of "
        f"{budget_minutes:g} minutes is spent, so it was stopped.",
        fix="Raise budget_minutes, or max_cost if that is the cap, or choose fewer or smaller candidates, and submit "
        "again.",
        details={"budget_minutes": budget_minutes},
    )


def budget_too_short(budget_minutes: float) -> Fault:
    """Tell that the budget was spent before any network was trained."""
    return Fault(
        code="budget_too_short",
        message=f"The budget of {budget_minutes:g} minutes was spent before the first network was trained.",
        fix="Raise budget_minutes, or max_cost if that is the cap, or choose smaller candidates such as tiny or "
        "mobilenet_v2, and submit again.",
        details={"budget_minutes": budget_minutes},
    )


def disk_too_small(needed_bytes: int, best_bytes: int) -> Fault:
    """Tell that the job does not fit on the trainer's disk, empty though it were.

    Args:
        needed_bytes: What the job needs.
        best_bytes: What the disk has at best.
    """
    return Fault(
        code="disk_too_small",
        message=f"This job needs {_gigabytes(needed_bytes)} of disk while it trains; the trainer's disk has "
        f"room for {_gigabytes(best_bytes)}.",
        fix="Send fewer images, choose candidates that look at smaller images, such as tiny, or have whoever runs this "
        "service make room on the trainer's disk, or give it a larger one.",
        details={"needed_bytes": needed_bytes, "best_bytes": best_bytes},
    )


def disk_full(times: int, needed_bytes: int) -> Fault:
    """Tell that the disk ran full in every attempt, although the job should have fitted.

    Args:
        times: How often the job was handed back before.
        needed_bytes: What it needs at least, as far as the attempts found out.
    """
    return Fault(
        code="disk_full",
        message=f"The trainer's disk ran full in the middle of this job, and the job was handed back {times} times "
        f"before. It needs at least {_gigabytes(needed_bytes)} to itself.",
        fix="Send fewer images or choose fewer candidates, or have whoever runs this service make room; then submit "
        "again.",
        details={"handed_back": times, "needed_bytes": needed_bytes},
    )


def _gigabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:,.1f} GB"


def unforeseen(error: BaseException) -> Fault:
    """Tell of an error that no step expects, by what is known of its kind."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return Fault(
            code="out_of_memory",
            message=f"Memory ran out even with the smallest batch: {error}"[:MAX_CHARACTERS],
            fix=SMALLER_FIX,
        )
    return Fault(
        code="internal_error",
        message=f"The training failed in a way that was not foreseen: {type(error).__name__}: {error}"[:MAX_CHARACTERS],
        fix=OPERATOR_FIX,
    )


def archive_gone(error: BaseException) -> Fault:
    """Tell that the archive is no longer where it was put."""
    return Fault(
        code="archive_gone",
        message=f"The uploaded archive is no longer in the store: {error}"[:MAX_CHARACTERS],
        fix="Submit the archive again.",
    )
