"""What Firestore bills for a job, counted at its emulator: see :mod:`tests.cloud.firestore_bill`."""

from pathlib import Path

from benchmarks.emulation import can_emulate, emulated
from benchmarks.figure import Figure
from tests.cloud.emulator import FIRESTORE

WRITES_A_MINUTE = READS_A_MINUTE = 12
"""One in five seconds."""


def measure(scratch: Path) -> list[Figure]:
    """Count two jobs from POST to mail, of which one trains for longer."""
    if not can_emulate("what Firestore bills"):
        return []
    with emulated(FIRESTORE, scratch / "firestore"):
        from tests.cloud.firestore_bill import price_of_a_job

        price = price_of_a_job("demo-bill")
    once, minute = price.once, price.minute
    note = "from POST to mail, with its events; counted at Google's client, the training played on a test's clock"
    return [
        Figure(name="Firestore, writes of a job but for its training", measured=once.writes, unit="", note=note),
        Figure(name="Firestore, reads of a job but for its training", measured=once.reads, unit="", note=note),
        Figure(name="Firestore, deletes of a job", measured=once.deletes, unit="", note=note),
        Figure(name="Firestore, writes for each minute of training", measured=minute.writes, unit="",
               at_most=WRITES_A_MINUTE, note="a training that tells something ten times a second"),
        Figure(name="Firestore, reads for each minute of training", measured=minute.reads, unit="",
               at_most=READS_A_MINUTE, note="looks for a cancel or a successor"),
        Figure(name="Firestore, reads for a look at the status of a job that trains", measured=price.look.reads,
               unit="", note="job and heartbeat"),
        Figure(name="Firestore, reads of a sweep while one job trains", measured=price.sweep.reads, unit="",
               note="a query that finds nothing counts as one"),
    ]  # fmt: skip
