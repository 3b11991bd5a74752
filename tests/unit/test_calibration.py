"""What is kept between jobs of how fast this machine is, and what an estimate makes of it."""

import pytest

from services.trainer.run.cost import candidate_s, plan
from services.trainer.scratch.calibration import Calibration, keep_calibration, learnt, read_calibration
from services.trainer.zoo.catalogue import BACKBONES
from shared.job.options import JobOptions

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
