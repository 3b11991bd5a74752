"""A fault fits a screen, a mail and a document of a store, whatever it was made of."""

import json

import pytest

from shared.errors import Fault, UserFault, faults_together
from shared.job.job import Trial, TrialState
from shared.json_codec import from_json, to_json
from shared.text.bound import MOST_DETAIL_CHARS, MOST_ENTRIES, MOST_MESSAGE_CHARS, first_entries
from shared.text.printable import MAX_SHOWN

FOLDERS = [f"holidays 2024/{number:06}" for number in range(100_000)]
FIELDS = {"code": "a", "message": "m", "fix": "f"}


def fault_about(**details: object) -> Fault:
    message = "Folders without any image: " + ", ".join(map(repr, FOLDERS)) + "."
    return Fault(code="archive_empty_class", message=message, fix="Fill them. " * 10_000, details=details)


def test_a_hundred_thousand_folders_make_a_fault_of_a_screenful() -> None:
    fault = fault_about(classes=FOLDERS, sizes=dict.fromkeys(FOLDERS, 3))
    assert fault.details["classes"][:MOST_ENTRIES] == FOLDERS[:MOST_ENTRIES]
    assert fault.details["classes"][MOST_ENTRIES:] == ["… and 99,970 more"]
    assert list(fault.details["sizes"].items())[-1] == ("…", "… and 99,970 more")
    assert max(len(fault.message), len(fault.fix)) <= MOST_MESSAGE_CHARS
    assert len(json.dumps(to_json(fault))) < 20_000


def test_many_faults_together_with_endless_names_stay_small_too() -> None:
    details = {"files": [f"{number} {'x' * 60_000}" for number in range(100)]}
    error = faults_together([Fault(**FIELDS, details=details) for _ in range(100)])
    assert len(json.dumps(to_json(error.fault), ensure_ascii=False)) < 2 * MOST_DETAIL_CHARS


def test_a_fault_that_was_stored_comes_back_as_it_was() -> None:
    for fault in (
        fault_about(classes=FOLDERS),
        faults_together([Fault(**FIELDS, details={"classes": ["y" * 5_000 + " "] * 100})] * 100).fault,
        Fault(code="a", message="m", fix="f", details={"classes": {"cats": 4}, "count": 2, "none": None}),
    ):
        assert from_json(Fault, json.loads(json.dumps(to_json(fault)))) == fault


@pytest.mark.parametrize(
    ("count", "shown", "last"),
    [(3, 3, "2"), (13, 13, "12"), (14, 13, "… and 2 more"), (100_000, 13, "… and 99,988 more")],
)
def test_the_first_entries_are_shown_and_the_others_counted_though_they_were_cut_before(
    count: int, shown: int, last: str
) -> None:
    fault = Fault(code="a", message="m", fix="f", details={"files": [str(number) for number in range(count)]})
    entries = first_entries(fault.details["files"], 12)
    assert (len(entries), entries[-1]) == (shown, last)


def test_what_fits_is_kept_whole() -> None:
    details = {"files": FOLDERS[:MOST_ENTRIES], "faults": [{"code": "a", "details": {"n": 1.5}}], "is_so": True}
    assert Fault(code="a", message="m.", fix="f.", details=details).details == details


def test_what_a_library_said_of_a_failed_trial_is_cut_to_a_screenful() -> None:
    trial = Trial(name="screen/vgg16", state=TrialState.FAILED, reason="ResourceExhausted: graph\n" * 10_000 + "\x1b")
    assert len(trial.reason or "") <= MOST_MESSAGE_CHARS
    assert from_json(Trial, to_json(trial)) == trial


def test_details_inside_one_another_end_at_the_eighth_and_fit_however_many_they_are() -> None:
    listed: object = "x"
    named: object = "x"
    for _ in range(200):
        listed, named = [listed], {"a": named}
    told = Fault(**FIELDS, details={"listed": listed, "named": named}).details
    assert json.dumps(told["listed"], ensure_ascii=False) == "[" * 8 + '"…"' + "]" * 8
    assert json.dumps(told["named"], ensure_ascii=False).count("a") == 8
    many = Fault(**FIELDS, details={"numbers": [[[[1] * 30] * 30] * 30] * 30})
    assert len(json.dumps(to_json(many), ensure_ascii=False)) < MOST_DETAIL_CHARS


def test_names_are_cut_sooner_than_sentences() -> None:
    told = Fault(**FIELDS, details={"name": "x" * 5_000, "sentence": "so it is, " * 500}).details
    assert (len(told["name"]), len(told["sentence"])) == (MAX_SHOWN, MOST_MESSAGE_CHARS)


def test_names_in_a_fault_act_on_no_terminal() -> None:
    error = UserFault("a", "The first is \x1b[2J.", fix="Rename \u202e.", details={"\x1b": ["\x07", {"k": "\x9b"}]})
    told = json.dumps(to_json(error.fault), ensure_ascii=False) + str(error)
    assert told.isprintable()
    assert r"\x1b[2J" in error.fault.message
