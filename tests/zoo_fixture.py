"""Small backbones, a data set of coloured squares, and a run that remembers in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from services.trainer.data.dataset import Dataset, Split, images_path
from services.trainer.run import LedgerEntry, Run
from services.trainer.zoo.catalogue import Backbone, Preprocessing
from shared.progress import Progress
from shared.result import Duplicates

PX = 32


def small_backbone(name: str, *, gflops: float = 1.0, alpha: float = 0.25) -> Backbone:
    """MobileNet at 32 px: a few milliseconds an image."""
    width = int(1024 * alpha)
    return Backbone(
        name=name,
        constructor="MobileNet",
        arguments={"alpha": alpha},
        input_px=PX,
        preprocessing=Preprocessing.TF,
        feature_width=width,
        parameters=218_544,
        cut_layer="conv_pw_13",
        weights_file=f"{name}.h5",
        licence="Apache-2.0",
        gflops=gflops,
    )


def coloured_dataset(directory: Path, *, per_class: int = 20, num_classes: int = 3, noise: float = 60.0) -> Dataset:
    """Squares whose colour tells the class, more or less."""
    generator = np.random.default_rng(5)
    labels = np.repeat(np.arange(num_classes, dtype=np.int32), per_class)
    colours = generator.integers(60, 196, (num_classes, 3))
    pixels = colours[labels][:, None, None, :] + generator.normal(0, noise, (len(labels), PX, PX, 3))
    pixels += generator.normal(0, noise / 2, (len(labels), 1, 1, 3))
    directory.mkdir(parents=True, exist_ok=True)
    np.save(images_path(directory, PX), np.clip(pixels, 0, 255).astype(np.uint8))
    part = np.tile(np.arange(per_class) % 20, num_classes)
    return Dataset(
        directory=directory,
        classes=tuple(f"colour {label}" for label in range(num_classes)),
        labels=labels,
        paths=tuple(f"{position}.png" for position in range(len(labels))),
        split=Split(
            train=np.flatnonzero(part < 14),
            validation=np.flatnonzero((part >= 14) & (part < 17)),
            test=np.flatnonzero(part >= 17),
        ),
        sizes_px=(PX,),
        quarantined=(),
        duplicates=Duplicates(exact=0, near_groups=0),
    )


@dataclass
class MemoryLedger:
    """Finished trials, for as long as the test lasts."""

    entries: dict[str, LedgerEntry] = field(default_factory=dict)

    def find(self, name: str) -> LedgerEntry | None:
        return self.entries.get(name)

    def record(self, entry: LedgerEntry) -> None:
        self.entries[entry.trial.name] = entry


def make_run(
    directory: Path,
    *,
    ledger: MemoryLedger | None = None,
    stop_reason: Callable[[], str | None] = lambda: None,
    seconds_left: float = 1e6,
    reported: list[Progress] | None = None,
) -> Run:
    """A run with nothing behind it but memory."""
    return Run(
        directory=directory,
        seed=3,
        report=(reported if reported is not None else []).append,
        stop_reason=stop_reason,
        seconds_left=lambda: seconds_left,
        ledger=ledger or MemoryLedger(),
    )
