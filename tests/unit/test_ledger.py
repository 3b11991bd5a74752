"""The ledger over an object store: what a successor finds."""

import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from services.trainer.ledger_page import finished_candidates
from services.trainer.run.context import LedgerEntry
from services.trainer.run.ledger import LEDGER_VERSION, ObjectLedger
from shared.adapters.embedded.signed_url import UrlSigner
from shared.clock import utc_now
from shared.job.findings.training import CandidateResult
from shared.job.job import Trial, TrialState
from tests.doubles.memory_object_store import MemoryObjectStore


@pytest.fixture
def objects() -> MemoryObjectStore:
    return MemoryObjectStore(signer=UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=utc_now))


def ledger(objects: MemoryObjectStore, fence: int, told: list[Trial] | None = None) -> ObjectLedger:
    return ObjectLedger(objects=objects, job_id="j", fence=fence, tell=(told if told is not None else []).append)


def entry(accuracy: float, *, name: str = "screen/tiny") -> LedgerEntry:
    return LedgerEntry(
        trial=Trial(name=name, state=TrialState.DONE, val_accuracy=accuracy, seconds=1.5),
        document={"history": [0.1, accuracy]},
        arrays={"kernel": np.full((2, 3), accuracy, np.float32), "bias": np.zeros(3, np.float16)},
    )


def test_a_successor_finds_everything_a_predecessor_recorded(objects: MemoryObjectStore) -> None:
    told: list[Trial] = []
    ledger(objects, 1, told).record(entry(0.5))
    found = ledger(objects, 3).find("screen/tiny")
    assert found is not None
    assert found.trial == entry(0.5).trial
    assert found.document == {"history": [0.1, 0.5]}
    np.testing.assert_array_equal(found.arrays["kernel"], entry(0.5).arrays["kernel"])
    assert found.arrays["bias"].dtype == np.float16
    assert told == [found.trial]


def test_a_network_that_nobody_heard_of_is_told_of_by_who_finds_it(
    objects: MemoryObjectStore,
) -> None:
    ledger(objects, 1).record(entry(0.5))
    told: list[Trial] = []
    ledger(objects, 2, told).find("screen/tiny")
    assert told == [entry(0.5).trial]


def test_what_an_attempt_recorded_itself_or_only_decided_is_not_told_of_when_it_is_found(
    objects: MemoryObjectStore,
) -> None:
    told: list[Trial] = []
    ledger(objects, 1).record(replace(entry(0.5, name="choice"), is_shown=False))
    ledger(objects, 2).record(entry(0.5))
    for name in ("choice", "screen/tiny"):
        ledger(objects, 2, told).find(name)
    assert told == []


def test_the_highest_fence_counts_and_later_claims_are_not_seen(objects: MemoryObjectStore) -> None:
    for fence, accuracy in ((1, 0.1), (2, 0.2), (4, 0.4)):
        ledger(objects, fence).record(entry(accuracy))
    found = ledger(objects, 3).find("screen/tiny")
    assert found is not None
    assert found.trial.val_accuracy == 0.2


def test_a_zombie_writes_below_its_own_fence_only(objects: MemoryObjectStore) -> None:
    ledger(objects, 2).record(entry(0.9))
    ledger(objects, 1).record(entry(0.1))
    found = ledger(objects, 2).find("screen/tiny")
    assert found is not None
    assert found.trial.val_accuracy == 0.9


def test_an_entry_without_its_page_does_not_exist(objects: MemoryObjectStore) -> None:
    objects.put("jobs/j/1/ledger/screen/tiny.npz", BytesIO(b"half"), content_type="application/zip")
    assert ledger(objects, 2).find("screen/tiny") is None


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_an_unreadable_entry_gives_way_to_an_older_one(objects: MemoryObjectStore, suffix: str) -> None:
    ledger(objects, 1).record(entry(0.1))
    ledger(objects, 2).record(entry(0.2))
    objects.put(f"jobs/j/2/ledger/screen/tiny.{suffix}", BytesIO(b"garbage"), content_type="x/x")
    found = ledger(objects, 3).find("screen/tiny")
    assert found is not None
    assert found.trial.val_accuracy == 0.1


def test_a_worker_that_knows_no_arrays_finds_the_finished_candidates_too(objects: MemoryObjectStore) -> None:
    ledger(objects, 1).record(entry(0.1))
    ledger(objects, 2).record(entry(0.2))
    ledger(objects, 2).record(entry(0.3, name="tune/0"))
    ledger(objects, 2).record(LedgerEntry(trial=Trial(name="screen/vgg16", state=TrialState.FAILED)))
    ledger(objects, 3).record(LedgerEntry(trial=Trial(name="candidates", state=TrialState.DONE), is_shown=False))
    assert finished_candidates(objects, "j") == (entry(0.2).trial,)
    assert finished_candidates(objects, "other") == ()


def test_a_failed_trial_without_weights_is_kept_too(objects: MemoryObjectStore) -> None:
    trial = Trial(name="screen/vgg16", state=TrialState.FAILED, reason="memory ran out")
    ledger(objects, 1).record(LedgerEntry(trial=trial))
    assert ledger(objects, 2).find("screen/vgg16") == LedgerEntry(trial=trial)


def test_what_was_made_from_something_else_does_not_count_and_the_log_names_the_difference(
    objects: MemoryObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    ledger(objects, 1).of({"split": "a", "weights": "w"}).record(entry(0.1))
    assert ledger(objects, 2).of({"split": "b", "weights": "w"}).find("screen/tiny") is None
    assert [record.reason for record in caplog.records] == ["split was 'a' and is 'b'"]
    assert ledger(objects, 2).of({"split": "a"}).find("screen/tiny") is None
    assert ledger(objects, 2).find("screen/tiny") is None
    found = ledger(objects, 2).of({"weights": "w"}).of({"split": "a"}).find("screen/tiny")
    assert found is not None


def test_what_does_not_say_what_it_was_made_from_does_not_count(objects: MemoryObjectStore) -> None:
    ledger(objects, 1).record(entry(0.1))
    assert ledger(objects, 2).of({"split": "a"}).find("screen/tiny") is None


def test_of_several_entries_the_newest_that_counts_is_found(objects: MemoryObjectStore) -> None:
    for fence, split in ((1, "a"), (2, "a"), (3, "b")):
        ledger(objects, fence).of({"split": split}).record(entry(fence / 10))
    found = ledger(objects, 4).of({"split": "a"}).find("screen/tiny")
    assert found is not None
    assert found.trial.val_accuracy == 0.2


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            {"trial": {"name": "screen/tiny", "state": "done"}, "document": {}, "has_arrays": False},
            "an earlier version",
        ),
        ({"made_from": {"ledger_version": 1}}, f"ledger_version was 1 and is {LEDGER_VERSION}"),
        ({"made_from": {"ledger_version": LEDGER_VERSION}}, "cannot be read"),
        ([], "cannot be read"),
    ],
    ids=["without identity", "other version", "half", "no object"],
)
def test_jobs_that_are_under_way_during_an_upgrade_start_their_trials_anew(
    page: object, reason: str, objects: MemoryObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    data = BytesIO(json.dumps(page).encode())
    objects.put("jobs/j/1/ledger/screen/tiny.json", data, content_type="application/json")
    assert ledger(objects, 2).find("screen/tiny") is None
    (record,) = caplog.records
    assert (record.message, record.trial, record.fence) == ("ledger entry ignored", "screen/tiny", 1)
    assert reason in record.reason


def test_a_document_of_another_shape_is_ignored_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert entry(0.1).document_as(CandidateResult) is None
    assert "CandidateResult" in caplog.records[0].reason


def test_decisions_are_kept_for_successors_and_not_shown_as_trials(objects: MemoryObjectStore) -> None:
    told: list[Trial] = []
    decision = LedgerEntry(trial=Trial(name="dataset", state=TrialState.DONE), document={"a": 1}, is_shown=False)
    ledger(objects, 1, told).record(decision)
    assert told == []
    assert ledger(objects, 2).find("dataset") == decision
