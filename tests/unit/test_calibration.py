"""What is kept between jobs of how fast this machine is, and what an estimate makes of it."""

from dataclasses import dataclass

import pytest

from services.trainer.run.cost import candidate_s, plan
from services.trainer.scratch.calibration import Calibration, keep_calibration, learnt, read_calibration
from services.trainer.zoo.catalogue import BACKBONES
from shared.job.options import JobOptions, LevelChoice

CPU = "CPU (2 cores)"


def test_a_machine_that_took_three_times_as_long_is_expected_to_take_three_times_as_long() -> None:
    first = learnt(Calibration(), CPU, plan(600, [1.0], JobOptions()), {"screen": 30.0, "prepare": 1.0})
    estimated = plan(600, [1.0], JobOptions(), first.slowness)
    assert estimated["screen"] == pytest.approx(30.0)
    assert estimated["prepare"] == pytest.approx(1.0)
    assert estimated["export"] == plan(600, [1.0], JobOptions())["export"], "of that nothing was measured"
    again = learnt(first, CPU, estimated, {"screen": 30.0})
    assert again.slowness["screen"] == pytest.approx(first.slowness["screen"])
    assert again.num_jobs == 2


def test_mirror_images_of_many_photographs_are_not_expected_to_take_another_pass() -> None:
    few, many = (plan(num, [1.0], JobOptions()) for num in (600, 6000))
    assert many["tune"] == few["tune"]
    assert many["screen"] > 5 * few["screen"]


def test_the_latest_job_counts_for_half_and_accidents_are_bounded() -> None:
    known = Calibration(device=CPU, slowness={"screen": 1.0}, num_jobs=5)
    assert learnt(known, CPU, {"screen": 10.0}, {"screen": 40.0}).slowness["screen"] == pytest.approx(2.0)
    assert learnt(known, CPU, {"screen": 1.0}, {"screen": 1e9}).slowness["screen"] < 10
    assert learnt(known, CPU, {"screen": 0.0}, {"screen": 1.0}).slowness == known.slowness


def test_another_device_starts_afresh() -> None:
    known = Calibration(device=CPU, slowness={"screen": 8.0, "export": 2.0}, num_jobs=5)
    on_gpu = learnt(known, "NVIDIA L4", {"screen": 80.0}, {"screen": 1.0})
    assert on_gpu == Calibration(device="NVIDIA L4", slowness={"screen": pytest.approx(0.1)}, num_jobs=1)


def test_it_is_found_again_by_the_next_job(tmp_path) -> None:
    file = tmp_path / "caches" / "calibration.json"
    assert read_calibration(file) == Calibration()
    kept = Calibration(device=CPU, slowness={"screen": 1.5}, num_jobs=2)
    keep_calibration(file, kept)
    assert read_calibration(file) == kept
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"slowness": {"screen": "slow"}}', '{"slowness": {"screen": -1}}'])
def test_a_damaged_file_counts_for_nothing(text, tmp_path) -> None:
    (tmp_path / "calibration.json").write_text(text)
    assert read_calibration(tmp_path / "calibration.json") == Calibration()


def test_where_nothing_can_be_written_the_job_ends_well_all_the_same(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    keep_calibration(tmp_path / "file" / "calibration.json", Calibration(device=CPU))
    assert read_calibration(tmp_path / "file" / "calibration.json") == Calibration()


def test_a_candidate_costs_more_the_dearer_it_is_the_larger_its_pictures_and_the_slower_the_machine() -> None:
    small, wide, dear = (BACKBONES[name] for name in ("mobilenet", "efficientnet_b7", "convnext_xlarge"))
    assert candidate_s(small, 600, {}) < candidate_s(wide, 600, {})
    assert candidate_s(small, 600, {}) < candidate_s(dear, 0, {}), "its weights alone take longer"
    assert candidate_s(small, 600, {}) < candidate_s(small, 600, {"screen": 2.0})
    assert candidate_s(small, 600, {}) < candidate_s(small, 1200, {})


@pytest.mark.parametrize(
    ("gflops", "options", "screen_s", "tune_s", "evaluate_s"),
    [
        pytest.param((1.0, 3.0), JobOptions(), 44 + 3.48, 600 * 0.022, 7.0, id="mirror images are tried"),
        pytest.param((1.0, 3.0), JobOptions(views=1), 44 + 3.48, 0.1, 7.0, id="one view of each photograph"),
        pytest.param(
            (1.0, 3.0),
            JobOptions(levels=LevelChoice.LAST, epochs=40),
            44 + 3.96,
            3.0 + 3 * 10 * 8.0,
            7.0,
            id="the winner is fine-tuned",
        ),
        pytest.param(
            (3.0,), JobOptions(levels=LevelChoice.LAST, tune_epochs=0), 32 + 1.74, 0.1, 10.0, id="it is not fine-tuned"
        ),
        pytest.param((), JobOptions(), 0.0, 600 * 0.002, 1.0, id="no candidate is known yet"),
    ],
)
def test_an_estimate_is_made_of_every_pass_over_a_thousand_photographs(
    gflops, options, screen_s, tune_s, evaluate_s
) -> None:
    planned = {"prepare": 8.5, "screen": screen_s, "tune": tune_s, "evaluate": evaluate_s, "export": 6.0}
    assert plan(1000, gflops, options) == pytest.approx(planned)
    assert plan(1000, gflops, options, {"tune": 3.0}) == pytest.approx({**planned, "tune": 3 * tune_s})


def test_another_candidate_is_priced_by_its_weights_its_size_of_every_picture_and_its_pass() -> None:
    @dataclass(frozen=True)
    class Row:
        gflops = 4.0
        input_px = 672
        size_bytes = 40_000_000

    assert candidate_s(Row(), 1000, {}) == pytest.approx(2.0 + 9.0 + 43.5)
    assert candidate_s(Row(), 1000, {"prepare": 3.0}) == pytest.approx(2.0 + 27.0 + 43.5)
    assert candidate_s(Row(), 1000, {"screen": 3.0}) == pytest.approx(2.0 + 9.0 + 130.5)
