"""What trains: a GPU or the cores of a CPU, what it is called, and how precisely it computes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_TENSOR_CORES_SINCE = (7, 0)
"""Compute capability from which GPUs multiply float16 several times as fast as float32.

Source: NVIDIA, Training with Mixed Precision, "Volta and later".
"""


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Precision(StrEnum):
    """How networks compute while they learn; they are evaluated and delivered in float32 always.

    The values are the names of Keras's own policies.
    """

    FULL = "float32"
    MIXED = "mixed_float16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A GPU, as its driver describes it.

    Args:
        name: Of its maker.
        compute_capability: Major and minor; ``None`` where the driver does not tell.
    """

    name: str
    compute_capability: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What this process trains on.

    Args:
        cards: GPUs that it sees; the first one trains.
        num_cores: Cores that it may use.
        may_mix: Whether the operator allows mixed precision.
    """

    cards: tuple[Card, ...]
    num_cores: int
    may_mix: bool = True

    @property
    def precision(self) -> Precision:
        """Mixed on a GPU with tensor cores, else full: on a CPU float16 is slower, not faster."""
        capability = self.cards[0].compute_capability if self.cards else None
        can_mix = capability is not None and capability >= _TENSOR_CORES_SINCE
        return Precision.MIXED if can_mix and self.may_mix else Precision.FULL

    @property
    def name(self) -> str:
        """What a person is told."""
        if not self.cards:
            return f"CPU ({self.num_cores} core{'s' if self.num_cores > 1 else ''})"
        return f"{self.cards[0].name}{', mixed precision' if self.precision is Precision.MIXED else ''}"

    def objection(self, *, require_gpu: bool) -> str | None:
        """Return why nothing may be trained on this device, and how to mend that; ``None`` where it may."""
        if self.cards or not require_gpu:
            return None
        return (
            f"no GPU can be used here, only the {self.name}, and CONVTAILOR_REQUIRE_GPU is set. Check that nvidia-smi "
            "lists a GPU, that the container was started with --gpus all, that CONVTAILOR_GPU names one of them, and "
            "that tensorflow[and-cuda] is installed; or unset CONVTAILOR_REQUIRE_GPU to train on the CPU"
        )


def visibility(gpu: int | None) -> Mapping[str, str]:
    """Return the environment in which a process sees one GPU only.

    Args:
        gpu: Its number as ``nvidia-smi`` counts; ``None``: nothing is hidden.
    """
    if gpu is None:
        return {}
    # CUDA counts the fastest GPU first unless it is told to count as nvidia-smi does.
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(gpu)}
