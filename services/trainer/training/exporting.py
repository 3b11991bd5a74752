"""The export of a trained network: written, verified, scored on photographs as uploaded, described."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.evaluation.as_uploaded import compare, fair_order
from services.trainer.export.check import Request, Uploaded, objection
from services.trainer.export.delivery import Package
from services.trainer.export.package import describe, pack
from services.trainer.export.verifier import Verifier
from services.trainer.run.context import Run
from services.trainer.run.deadline import NUM_SCORED
from services.trainer.training.scoring import Scored
from services.trainer.tuning.tune import Trained
from shared.errors import UserFault
from shared.job.findings.network import ModelSize
from shared.job.findings.scores import UploadedScores

NUM_KEPT = 16
"""Test images that every exported file is verified on: enough to show any difference, 2 s of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What is delivered.

    Args:
        package: Verified files.
        size: What is in them.
        versions: Of what shaped the network.
        as_uploaded: How the delivered file does on the photographs as they were sent, if there was time to see.
    """

    package: Package
    size: ModelSize
    versions: Mapping[str, str]
    as_uploaded: UploadedScores | None


def versions() -> dict[str, str]:
    """Return the versions of what shaped the network."""
    known = {"keras": keras.version(), "tensorflow": tf.__version__, "numpy": np.__version__}
    with suppress(PackageNotFoundError):  # a checkout that is not installed has no version
        known["convtailor"] = version("convtailor")
    return known


def kept_positions(num_test: int) -> Indices:
    """Return which images of the test split every exported file is verified on."""
    kept: Indices = np.unique(np.linspace(0, num_test - 1, NUM_KEPT).round().astype(np.int64))
    return kept


def export(
    scored: Scored, learning: LearningSet, trained: Trained, *, archive: Path, verifier: Verifier, run: Run
) -> Exported:
    """Write the delivery beside the archive, have both networks verified and one of them score photographs as sent.

    Raises:
        UserFault: ``export_not_faithful``, if a file does not do what was evaluated.
        VerifierLost: If the files could not be verified.
    """
    evaluation, px = scored.evaluation, trained.backbone.input_px
    kept = kept_positions(len(evaluation.indices))
    squares = archive.parent / "kept.npy"
    np.save(squares, learning.images(px)[evaluation.indices[kept]])
    expected = tuple(tuple(map(float, row)) for row in evaluation.probabilities[kept])
    order = fair_order(evaluation.labels, run.seed)[:NUM_SCORED]
    paths = tuple(learning.paths[position] for position in evaluation.indices[order])
    is_hurried = run.stop_reason() is not None
    to_score = [Uploaded(archive=archive, paths=paths, seconds=run.countdown.scoring_s(is_hurried=is_hurried))]

    def verify(model: Path) -> None:
        uploaded = to_score.pop() if to_score else None  # the first file is enough: both compute the same
        verifier.begin(Request(model=model, squares=squares, expected=expected, uploaded=uploaded))

    package = pack(scored.model, learning.classes, archive.parent / "delivery", verify)
    size = describe(scored.model, trained.backbone)
    checks = {path: verifier.check() for path in (package.model_h5, package.model_keras)}
    for path, check in checks.items():
        fault = objection(path.name, check)
        if fault is not None:
            raise UserFault.of(fault)
    predicted = max((check.predicted for check in checks.values()), key=len)
    tested = evaluation.probabilities.argmax(axis=1)
    as_uploaded = compare(evaluation.labels[order], tested[order], predicted, evaluation.groups[order])
    return Exported(package=package, size=size, versions=versions(), as_uploaded=as_uploaded)
