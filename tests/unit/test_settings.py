import itertools
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.intake.settings import IntakeSettings
from services.reporter.settings import ReporterSettings
from services.trainer.settings import TrainerSettings
from shared.push_gate import PushSettings
from shared.settings import InvalidSettings, Settings, describe, environment_of, load, setting


@dataclass(frozen=True, kw_only=True)
class ExampleSettings(Settings):
    port: int = setting(8080, help="Port.")
    verbose: bool = setting(False, help="Talk more.")
    mirror: Path | None = setting(None, help="Folder.")
    api_key: str = setting(help="Key.", secret=True)
    pin: int = setting(0, help="Number.", secret=True)


def test_the_environment_overrides_the_defaults() -> None:
    settings = load(
        ExampleSettings,
        {"CONVTAILOR_PORT": "81", "CONVTAILOR_VERBOSE": "yes", "CONVTAILOR_API_KEY": "k", "PORT": "1", "HOME": "/"},
    )
    assert (settings.port, settings.verbose, settings.mirror, settings.backend) == (81, True, None, "embedded")


def test_an_empty_variable_counts_as_none() -> None:
    assert load(ExampleSettings, {"CONVTAILOR_PORT": "", "CONVTAILOR_API_KEY": "k"}).port == 8080


def test_the_platforms_own_variable_counts_where_ours_is_not_set() -> None:
    @dataclass(frozen=True, kw_only=True)
    class CloudSettings(Settings):
        port: int = setting(8080, help="Port.", fallback="PORT")

    assert load(CloudSettings, {}).port == 8080
    assert load(CloudSettings, {"PORT": "81"}).port == 81
    assert load(CloudSettings, {"PORT": "81", "CONVTAILOR_PORT": ""}).port == 81
    assert load(CloudSettings, {"PORT": "81", "CONVTAILOR_PORT": "82"}).port == 82


def test_a_fault_is_reported_by_the_variable_that_was_read() -> None:
    with pytest.raises(InvalidSettings, match=r"(?m)^ +CONVTAILOR_LEASE_S: "):
        load(TrainerSettings, {"CONVTAILOR_LEASE_S": "soon"})


SHARED_BY_SERVICES = {
    # Where a reporter listens, with the back-end `gcp` only, it has a container of its own.
    "CONVTAILOR_HOST",
    "CONVTAILOR_PORT",
    "CONVTAILOR_REQUEST_THREADS",
    "CONVTAILOR_STOP_GRACE_S",
}


def test_no_variable_means_one_thing_to_one_service_and_another_to_the_next() -> None:
    common = {name for name, _, _ in describe(PushSettings)}
    own = [
        {name for name, _, _ in describe(each)} - common for each in (IntakeSettings, TrainerSettings, ReporterSettings)
    ]
    twice = {name for a, b in itertools.combinations(own, 2) for name in a & b}
    assert twice == SHARED_BY_SERVICES


def test_what_an_operator_has_set_under_the_name_that_two_services_shared_still_counts() -> None:
    before, after = {"CONVTAILOR_LEASE_S": "45"}, {"CONVTAILOR_TRAINER_LEASE_S": "15", "CONVTAILOR_LEASE_S": "45"}
    assert load(TrainerSettings, before).trainer_lease_s == load(ReporterSettings, before).reporter_lease_s == 45
    assert (load(TrainerSettings, after).trainer_lease_s, load(ReporterSettings, after).reporter_lease_s) == (15, 45)


def test_every_fault_is_reported_at_once_by_variable() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(ExampleSettings, {"CONVTAILOR_PORT": "eighty", "CONVTAILOR_VERBOSE": "perhaps"})
    faults = str(caught.value).splitlines()[1:]
    assert [fault.split(":")[0].strip() for fault in faults] == [
        "CONVTAILOR_PORT",
        "CONVTAILOR_VERBOSE",
        "CONVTAILOR_API_KEY",
    ]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", ["model_onnx", "model_tflite_float16", "model_tflite", "model_coreml"]),
        (" tflite, onnx ,tflite", ["model_tflite", "model_onnx"]),
        ("none", []),
    ],
)
def test_an_operator_says_in_which_formats_networks_are_delivered(value: str, wanted: list[str]) -> None:
    settings = load(TrainerSettings, {"CONVTAILOR_FORMATS": value})
    assert list(settings.wanted_formats) == wanted
    assert load(TrainerSettings, environment_of(settings)) == settings


@pytest.mark.parametrize(("value", "unknown"), [("onnx,caffe", "'caffe'"), ("none,onnx", "'none'"), ("h5", "'h5'")])
def test_a_format_that_there_is_not_stops_the_trainer_at_its_start(value: str, unknown: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"CONVTAILOR_FORMATS: .*{unknown}.*onnx,tflite_float16,tflite.*none"):
        load(TrainerSettings, {"CONVTAILOR_FORMATS": value})


def test_a_secret_is_shown_nowhere() -> None:
    good = {"CONVTAILOR_API_KEY": "hunter2", "CONVTAILOR_PIN": "4711"}
    bad = {**good, "CONVTAILOR_PIN": "4711x", "CONVTAILOR_PORT": "x"}
    settings = load(ExampleSettings, good)
    assert settings.api_key == "hunter2"
    shown = repr(settings) + str(describe(ExampleSettings))
    with pytest.raises(InvalidSettings) as caught:
        load(ExampleSettings, bad)
    shown += "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown
    assert "4711" not in shown


def test_a_child_process_gets_the_same_settings() -> None:
    settings = load(
        ExampleSettings,
        {"CONVTAILOR_API_KEY": "k", "CONVTAILOR_VERBOSE": "1", "CONVTAILOR_MIRROR": "w x", "CONVTAILOR_DATA_DIR": "d"},
    )
    assert load(ExampleSettings, environment_of(settings)) == settings


def test_every_setting_is_described_in_order() -> None:
    rows = describe(ExampleSettings)
    assert rows[-5:] == [
        ("CONVTAILOR_PORT", "`8080`", "Port."),
        ("CONVTAILOR_VERBOSE", "`False`", "Talk more."),
        ("CONVTAILOR_MIRROR", "none", "Folder."),
        ("CONVTAILOR_API_KEY", "secret", "Key."),
        ("CONVTAILOR_PIN", "secret", "Number."),
    ]
