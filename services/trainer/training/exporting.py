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
from services.trainer.run.deadline import NUM_KEPT, NUM_SCORED
from services.trainer.training.scoring import Scored
from services.trainer.tuning.tune import Trained
from shared.errors import UserFault
from shared.job.findings.network import ModelSize
from shared.job.findings.scores import UploadedScores

_SCORED = ".keras"
"""The file that scores photographs as they were sent: the last one, which other formats are made from."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A delivery that is written, and is being verified.

    Args:
        package: Its files.
        order: Of the test images, those that are scored as they were uploaded; a position in the test split for each.
    """

    package: Package
    order: Indices


def write(
    scored: Scored, learning: LearningSet, trained: Trained, *, archive: Path, verifier: Verifier, run: Run
) -> Written:
    """Write the delivery beside the archive; have both networks verified, and one of them score photographs as sent.

    Another process does the latter; whatever does not change the network may be done meanwhile.
    """
    evaluation, px = scored.evaluation, trained.backbone.input_px
    kept = kept_positions(len(evaluation.indices))
    squares = archive.parent / "kept.npy"
    np.save(squares, learning.images(px)[evaluation.indices[kept]])
    expected = tuple(tuple(map(float, row)) for row in evaluation.probabilities[kept])
    order = fair_order(evaluation.labels, run.seed)[:NUM_SCORED]
    paths = tuple(learning.paths[position] for position in evaluation.indices[order])
    is_hurried = run.stop_reason() is not None
    to_score = Uploaded(archive=archive, paths=paths, seconds=run.countdown.scoring_s(is_hurried=is_hurried))

    def verify(model: Path) -> None:
        is_last = model.suffix == _SCORED  # one file is enough: both compute the same
        request = Request(model=model, squares=squares, expected=expected, uploaded=to_score if is_last else None)
        verifier.begin(request)

    package = pack(scored.model, learning.classes, archive.parent / "delivery", verify)
    return Written(package=package, order=order)


def export(written: Written, scored: Scored, trained: Trained, verifier: Verifier) -> Exported:
    """Wait until a delivery is verified.

    Raises:
        UserFault: ``export_not_faithful``, if a file does not do what was evaluated.
        VerifierLost: If the files could not be verified.
    """
    package, order, evaluation = written.package, written.order, scored.evaluation
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
