"""What a worker is put together from, and what it refuses to start with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.trainer.bootstrap import build_worker, training_environ
from services.trainer.settings import TrainerSettings
from shared.settings import InvalidSettings, load

ROOT = Path(__file__).resolve().parents[2]


def test_a_training_process_sees_the_gpu_it_was_given_and_no_other():
    environ = {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "0,1,2"}

    own = training_environ(TrainerSettings(gpu=2), environ)
    assert (own["CUDA_VISIBLE_DEVICES"], own["CUDA_DEVICE_ORDER"]) == ("2", "PCI_BUS_ID")
    assert (own["PATH"], own["CONVTAILOR_GPU"]) == ("/bin", "2")

    assert training_environ(TrainerSettings(), environ)["CUDA_VISIBLE_DEVICES"] == "0,1,2"
    assert "CUDA_VISIBLE_DEVICES" not in training_environ(TrainerSettings(), {})


def test_settings_survive_the_way_to_the_training_process():
    settings = TrainerSettings(weights="gs://bucket/prefix", require_gpu=True, mixed_precision=False, gpu=0)

    assert load(TrainerSettings, training_environ(settings, {})) == settings


def test_the_rules_of_the_worker_are_those_of_the_settings(tmp_path):
    worker = build_worker(TrainerSettings(data_dir=tmp_path, require_gpu=True, idle_exit_s=600, trainer_lease_s=15), {})

    assert (worker.rules.require_gpu, worker.rules.idle_exit_s) == (True, 600)
    assert worker.rules.lease.total_seconds() == 15


@pytest.mark.parametrize("lease_s", [9, 601])
def test_a_lease_that_the_bus_does_not_know_is_refused_at_start(lease_s):
    with pytest.raises(InvalidSettings, match=r"CONVTAILOR_TRAINER_LEASE_S is \d+; .* 10 to 600 s"):
        build_worker(TrainerSettings(backend="gcp", trainer_lease_s=lease_s), {})


@pytest.mark.parametrize("gpu", ["-1", "first"])
def test_a_gpu_is_named_by_its_number(gpu):
    with pytest.raises(InvalidSettings, match="CONVTAILOR_GPU"):
        load(TrainerSettings, {"CONVTAILOR_GPU": gpu})


def test_faults_in_the_settings_end_the_worker_with_2():
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "CONVTAILOR_TRAINER_LEASE_S": "never"}
    ended = subprocess.run([sys.executable, "-m", "services.trainer"], env=environ, capture_output=True, check=False)

    assert ended.returncode == 2
    assert b"CONVTAILOR_TRAINER_LEASE_S" in ended.stderr
