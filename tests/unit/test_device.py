"""What is said of a device and decided by it, from the facts alone."""

import pytest

from services.trainer.run.device import Card, Device, Precision, visibility

T4 = Card(name="Tesla T4", compute_capability=(7, 5))
P100 = Card(name="Tesla P100-PCIE-16GB", compute_capability=(6, 0))
V100 = Card(name="Tesla V100-SXM2-16GB", compute_capability=(7, 0))
H100 = Card(name="NVIDIA H100 80GB HBM3", compute_capability=(9, 0))
UNKNOWN = Card(name="GPU")


@pytest.mark.parametrize(
    ("cards", "may_mix", "precision", "name"),
    [
        ((), True, Precision.FULL, "CPU (4 cores)"),
        ((T4,), True, Precision.MIXED, "Tesla T4, mixed precision"),
        ((V100,), True, Precision.MIXED, "Tesla V100-SXM2-16GB, mixed precision"),
        ((H100, H100), True, Precision.MIXED, "NVIDIA H100 80GB HBM3, mixed precision"),
        ((H100,), False, Precision.FULL, "NVIDIA H100 80GB HBM3"),
        ((P100,), True, Precision.FULL, "Tesla P100-PCIE-16GB"),
        ((P100, T4), True, Precision.FULL, "Tesla P100-PCIE-16GB"),
        ((UNKNOWN,), True, Precision.FULL, "GPU"),
    ],
)
def test_tensor_cores_of_the_card_that_trains_decide_about_precision(cards, may_mix, precision, name):
    device = Device(cards=cards, num_cores=4, may_mix=may_mix)

    assert (device.precision, device.name) == (precision, name)


def test_one_core_is_no_plural():
    assert Device(cards=(), num_cores=1).name == "CPU (1 core)"


def test_a_cpu_is_refused_only_where_a_gpu_is_required_and_the_fix_is_told():
    cpu, gpu = Device(cards=(), num_cores=2), Device(cards=(P100,), num_cores=2)

    assert cpu.objection(require_gpu=False) is None
    assert gpu.objection(require_gpu=True) is None
    objection = cpu.objection(require_gpu=True)
    assert objection is not None
    assert "CPU (2 cores)" in objection
    for fix in ("nvidia-smi", "--gpus all", "CONVTAILOR_GPU", "tensorflow[and-cuda]", "unset CONVTAILOR_REQUIRE_GPU"):
        assert fix in objection


def test_a_process_sees_the_one_gpu_it_was_given_counted_as_nvidia_smi_does():
    assert visibility(3) == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "3"}
    assert visibility(None) == {}
