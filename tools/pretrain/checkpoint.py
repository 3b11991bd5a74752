"""Keep a run on disk so that it survives being killed at any moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.pretrain.durable import write_whole

CHECKPOINT_FILE = "checkpoint.npz"

Groups = Mapping[str, Sequence[Any]]
"""Variables by the part they play: model, optimizer, average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run has come.

    Attributes:
        step: Updates made.
        elapsed_s: Training time over all sittings, seconds.
        seed: Seed that the run was started with.
    """

    step: int = 0
    elapsed_s: float = 0.0
    seed: int = 0


def save_checkpoint(folder: Path, standing: Standing, groups: Groups) -> None:
    """Write `standing` and the variables of each group, all or nothing."""
    arrays = {
        f"{group}/{number:04d}": np.asarray(variable)
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }
    facts = {"step": standing.step, "elapsed_s": standing.elapsed_s, "seed": standing.seed}
    everything: dict[str, Any] = {**arrays, **facts}
    write_whole(folder / CHECKPOINT_FILE, lambda file: np.savez(file, **everything))


def load_checkpoint(folder: Path, groups: Groups) -> Standing | None:
    """Put what `save_checkpoint` wrote back into the variables of `groups`; None when there is nothing yet.

    Raises:
        ValueError: The checkpoint holds other variables: it belongs to another recipe.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    with np.load(path) as arrays:
        for group, variables in groups.items():
            kept = [name for name in arrays.files if name.startswith(f"{group}/")]
            if len(kept) != len(variables):
                raise ValueError(
                    f"{path} holds {len(kept)} variables of {group}, this run has {len(variables)}: it was begun with "
                    "other teachers; name an empty folder"
                )
            for name, variable in zip(sorted(kept), variables, strict=True):
                variable.assign(arrays[name])
        return Standing(step=int(arrays["step"]), elapsed_s=float(arrays["elapsed_s"]), seed=int(arrays["seed"]))
