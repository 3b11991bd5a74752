"""What goes to a store is bounded, whatever the archive held: the most classes, and anything in a fault."""

import json
from dataclasses import replace

import pytest
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import Document

from services.trainer.export.delivery import result_text
from shared.adapters.gcp.firestore.job_document import heartbeat_fields, job_document, job_of, outbox_fields
from shared.archive.class_faults import class_too_small
from shared.archive.safety import ArchiveLimits
from shared.errors import Fault
from shared.job.candidates import CANDIDATE_NAMES
from shared.job.events import announcement
from shared.job.heartbeat import Heartbeat
from shared.job.job import Job, JobState, Trial, TrialState
from shared.job.progress import Progress
from shared.json_codec import to_json
from tests.job_fixture import NOW, archive_of, make_job
from tests.result_fixture import make_result

MIB = 2**20
CLASSES = tuple(f"Schmetterling 蝶 {number:04d}" for number in range(1000))


def sizes_of(*documents: dict[str, object]) -> list[int]:
    """Return the bytes of documents as Google's own client sends them."""
    return [Document(fields=_helpers.encode_dict(each))._pb.ByteSize() for each in documents]


def busy(fault: Fault) -> Job:
    """Return a job with as much as a job can have."""
    reason = "x" * 500
    trials = [Trial(name=f"screen/{name}", state=TrialState.FAILED, reason=reason) for name in CANDIDATE_NAMES]
    trials += [Trial(name=f"tune/{number}", state=TrialState.FAILED, reason=reason) for number in range(50)]
    archive = replace(archive_of(), num_classes=len(CLASSES))
    return make_job("job-1", JobState.FAILED, archive=archive, fault=fault, trials=tuple(trials))


@pytest.mark.parametrize(
    "fault",
    [
        class_too_small(dict.fromkeys(CLASSES, 1), [], min_images=5),
        Fault(code="x", message="m" * 10**7, fix="f" * 10**7, details={name: list(CLASSES) for name in CLASSES}),
    ],
    ids=["every class is too small", "anything at all"],
)
def test_a_job_of_a_thousand_classes_fits_one_document_of_firestore_and_comes_back(fault: Fault) -> None:
    job = busy(fault)
    document = job_document(job)
    assert document.pieces == ()
    assert max(sizes_of(document.fields)) < MIB // 2
    assert job_of(job.job_id, document.fields, ()) == job


def test_heartbeats_and_events_fit_with_room_to_spare() -> None:
    job = busy(class_too_small(dict.fromkeys(CLASSES, 1), [], min_images=5))
    progress = Progress(phase="screen", done=1, total=2, unit="images", detail="d" * 500)
    heartbeat = Heartbeat(job_id=job.job_id, fence=1, expires_at=NOW, progress=progress, trials=job.trials)
    events = [
        {**outbox_fields(event, position), "recorded_at": NOW} for position, event in enumerate(announcement(job, NOW))
    ]
    assert max(sizes_of(heartbeat_fields(heartbeat), *events)) < MIB // 10


def test_a_row_of_the_matrix_is_a_line_of_the_document_whatever_classes_are_called() -> None:
    result = make_result(("the confusion matrix", '"the confusion matrix"'), num_candidates=1)
    text = result_text(result)
    assert json.loads(text) == to_json(result)
    rows = [json.dumps(row, separators=(",", ":")) for row in result.test.confusion_matrix]
    assert all(any(line.strip(" ,") == row for line in text.splitlines()) for row in rows)


def test_the_most_classes_that_are_taken_make_a_result_of_a_few_megabytes() -> None:
    most = ArchiveLimits().max_classes
    result = make_result(tuple(f"class {number}" for number in range(most)))
    assert len(result_text(result).encode()) < 16 * MIB
