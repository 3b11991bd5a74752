"""The export of a trained network: written, verified, described."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from services.trainer.data.dataset import LearningSet
from services.trainer.export.check import Request
from services.trainer.export.delivery import Package
from services.trainer.export.package import describe, pack
from services.trainer.export.verifier import Verifier, objection
from services.trainer.training.scoring import Scored
from services.trainer.tuning.tune import Trained
from shared.errors import UserFault
from shared.job.result import ModelSize

NUM_KEPT = 16
"""Test images that every exported file is verified on: enough to show any difference, 2 s of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What is delivered.

    Args:
        package: Verified files.
        size: What is in them.
        versions: Of what shaped the network.
    """

    package: Package
    size: ModelSize
    versions: Mapping[str, str]


def versions() -> dict[str, str]:
    """Return the versions of what shaped the network."""
    known = {"keras": keras.version(), "tensorflow": tf.__version__, "numpy": np.__version__}
    with suppress(PackageNotFoundError):  # a checkout that is not installed has no version
        known["convtailor"] = version("convtailor")
    return known


def export(scored: Scored, learning: LearningSet, trained: Trained, archive: Path, verifier: Verifier) -> Exported:
    """Write the delivery beside the archive and have both networks verified.

    Raises:
        UserFault: ``export_not_faithful``, if a file does not do what was evaluated.
    """
    px = trained.backbone.input_px
    kept = np.unique(np.linspace(0, len(scored.evaluation.indices) - 1, NUM_KEPT).round().astype(int))
    squares = archive.parent / "kept.npy"
    np.save(squares, learning.images(px)[scored.evaluation.indices[kept]])
    expected = tuple(tuple(map(float, row)) for row in scored.evaluation.probabilities[kept])
    paths = tuple(learning.paths[position] for position in scored.evaluation.indices[kept])

    def verify(model: Path) -> None:
        verifier.begin(Request(model=model, archive=archive, paths=paths, squares=squares, expected=expected))

    package = pack(scored.model, learning.classes, archive.parent / "delivery", verify)
    size = describe(scored.model, trained.backbone)
    for path in (package.model_h5, package.model_keras):
        fault = objection(path.name, verifier.check())
        if fault is not None:
            raise UserFault.of(fault)
    return Exported(package=package, size=size, versions=versions())
