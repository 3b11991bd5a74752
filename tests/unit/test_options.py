import math
from typing import Any

import pytest

from shared.job.candidates import CANDIDATE_NAMES, CANDIDATE_PARAMETERS
from shared.job.options import JobOptions, LevelChoice, TuneSearch, parse_options
from shared.json_codec import to_json


def faults_of(**choices: Any) -> list[tuple[str, str]]:
    options, faults = parse_options(choices)
    assert (options is None) == bool(faults)
    return [(fault.code, fault.details["field"]) for fault in faults]


def test_nothing_chosen_gives_the_defaults() -> None:
    options, faults = parse_options({})
    assert (options, faults) == (JobOptions(), ())
    assert options.candidates == ("auto",)
    assert parse_options(to_json(options)) == (options, ()), "each default is itself allowed"
    assert (options.seed, options.epochs, options.budget_minutes) == (0, 20, 60), "as it was for those who named none"


def test_a_form_sends_everything_as_text() -> None:
    options, faults = parse_options(
        {"candidates": " Tiny, vgg16,,tiny ", "epochs": "3", "budget_minutes": "0.5", "tune_search": "random"}
    )
    assert faults == ()
    assert options == JobOptions(
        candidates=("tiny", "vgg16"),
        levels=LevelChoice.SEARCHED,
        epochs=3,
        budget_minutes=0.5,
        tune_search=TuneSearch.RANDOM,
    )


@pytest.mark.parametrize(
    ("choices", "levels"),
    [
        ({"tune_trials": "5"}, LevelChoice.LAST),
        ({"tune_search": "recipe"}, LevelChoice.LAST),
        ({"tune_search": "tpe"}, LevelChoice.SEARCHED),
        ({"tune_search": "tpe", "levels": "last"}, LevelChoice.LAST),
        ({"tune_search": "tpe", "tune_epochs": 0}, LevelChoice.AUTO),
        ({"tune_epochs": 3, "levels": "auto"}, LevelChoice.AUTO),
        ({"tune_epochs": "0"}, LevelChoice.AUTO),
        ({"epochs": 3}, LevelChoice.AUTO),
    ],
)
def test_who_asks_for_fine_tuning_gets_it(choices: dict[str, Any], levels: LevelChoice) -> None:
    options, _ = parse_options(choices)
    assert options is not None
    assert options.levels is levels


@pytest.mark.parametrize("name", ["auto", *CANDIDATE_NAMES])
def test_every_candidate_can_be_asked_for_by_its_name_in_any_case(name: str) -> None:
    assert parse_options({"candidates": [name.upper()]})[0].candidates == (name,)


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("epochs", 1, 1000),
        ("views", 1, 2),
        ("tune_epochs", 0, 1000),
        ("tune_trials", 1, 100),
        ("budget_minutes", 0.001, 1440),
        ("seed", 0, 2**31 - 1),
        ("min_image_px", 2, 4096),
        ("max_image_px", 32, 20000),
    ],
)
def test_a_number_is_taken_within_its_range_only(field: str, lowest: float, highest: float) -> None:
    for value in (lowest, highest):
        assert faults_of(**{field: value}) == []
    for value in (lowest - 1, highest + 1, "many", None, float("nan"), [1]):
        assert faults_of(**{field: value}) == [("invalid_option", field)]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("max_parameters", [0, "1e6", 2**70, math.inf]),
        ("max_ms_per_image", [0, "1,5", math.inf, "inf"]),
        ("max_cost", [0, math.inf, "-1"]),
    ],
)
def test_a_limit_that_no_document_could_keep_is_one_fault(field: str, wrong: list[Any]) -> None:
    for value in wrong:
        assert faults_of(**{field: value}) == [("invalid_option", field)]


@pytest.mark.parametrize("name", ["last", "all", "auto", "searched"])
def test_levels_are_chosen_by_name(name: str) -> None:
    assert parse_options({"levels": name})[0].levels == name
    assert faults_of(levels="first") == [("invalid_option", "levels")]


def test_every_fault_is_reported_at_once() -> None:
    found = faults_of(candidates=["tiny", "resnet9000"], epochs=0, epoch=3, tune_search="magic")
    assert sorted(found) == [
        ("invalid_option", "candidates"),
        ("invalid_option", "epochs"),
        ("invalid_option", "tune_search"),
        ("unknown_option", "epoch"),
    ]


@pytest.mark.parametrize(
    ("choices", "received", "expected"),
    [
        ({"candidates": "resnet9000"}, "resnet9000", "choose auto or some of tiny"),
        ({"candidates": ""}, "''", "No candidate named; choose auto"),
        ({"epochs": 0}, "received 0", "greater than or equal to 1"),
        ({"min_image_px": 100, "max_image_px": 50}, "100, more than max_image_px, 50", "no image could"),
    ],
)
def test_a_fault_says_what_was_received_and_what_was_expected(
    choices: dict[str, Any], received: str, expected: str
) -> None:
    _, (fault,) = parse_options(choices)
    assert received in fault.message
    assert expected in fault.message
    assert fault.fix


def test_sizes_that_no_image_could_have_are_a_fault_of_the_smaller_one() -> None:
    assert faults_of(min_image_px=100, max_image_px=99) == [("invalid_option", "min_image_px")]
    assert faults_of(min_image_px=100, max_image_px=100) == []


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    _, (fault,) = parse_options({"epoch": 3})
    assert "'epoch'" in fault.message
    assert "epochs" in fault.fix


def test_a_huge_value_is_not_echoed_whole() -> None:
    _, (fault,) = parse_options({"epochs": "x" * 100_000})
    assert len(fault.message) < 300


@pytest.mark.parametrize(("candidates", "smallest"), [("vgg16,resnet50", "vgg16"), ("auto", "mobilenet_0.25")])
def test_a_size_that_no_candidate_has_is_refused_with_the_smallest_of_them(candidates, smallest):
    options, faults = parse_options({"candidates": candidates, "max_parameters": "1000"})
    assert options is None
    assert faults[0].code == "invalid_option"
    assert smallest in faults[0].message
    assert faults[0].details == {"field": "max_parameters"}
    parameters = CANDIDATE_PARAMETERS[smallest]
    assert f"{parameters:,}" in faults[0].fix
    assert parse_options({"candidates": candidates, "max_parameters": str(parameters)})[1] == ()
