"""The steps of the pipeline that need TensorFlow, behind one import that takes seconds."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from services.trainer.data.dataset import Dataset, Images
from services.trainer.evaluation.evaluate import Evaluation, evaluate
from services.trainer.evaluation.metrics import Logits
from services.trainer.export.check import Request
from services.trainer.export.delivery import Package
from services.trainer.export.package import describe, pack
from services.trainer.export.verifier import Verifier, objection
from services.trainer.run.accelerator import find_device, set_up
from services.trainer.run.phase_clock import PhaseClock
from services.trainer.screening.screen import Screening, screen
from services.trainer.tuning.tune import Trained, tune
from services.trainer.zoo.network import assemble, complete
from shared.errors import UserFault
from shared.job.progress import Progress
from shared.job.result import ModelSize

__all__ = ["Exported", "Scored", "export", "find_device", "score", "screen", "set_up", "tune"]

NUM_KEPT = 16
"""Test images that every exported file is verified on: enough to show any difference, 2 s of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The trained network as it will be delivered, and what the test split said of it.

    Args:
        model: Raw pixels to calibrated probabilities.
        evaluation: See there.
    """

    model: keras.Model
    evaluation: Evaluation


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


def score(dataset: Dataset, screening: Screening, trained: Trained, clock: PhaseClock) -> Scored:
    """Assemble the trained network, calibrate it, read the test split, and put the calibration into the network."""
    if screening.store is not None and trained.tail_weights is not None:  # built already: saves a second or two
        model = complete(screening.store.network, trained.head, tail_weights=trained.tail_weights)
    else:
        model = assemble(
            trained.backbone,
            trained.weights,
            num_classes=len(dataset.classes),
            head=trained.head,
            tail_weights=trained.tail_weights,
        )

    def report(done: int, total: int) -> None:
        clock.report(Progress(phase="evaluate", done=done, total=total, unit="images"))

    evaluation = evaluate(dataset, trained.backbone.input_px, _logits_of(model), report)
    last = model.layers[-1]
    last.set_weights([values / evaluation.temperature for values in last.get_weights()])
    return Scored(model=model, evaluation=evaluation)


def _logits_of(model: keras.Model) -> Callable[[Images], Logits]:
    """Trace the network up to its softmax, for batches of any length."""
    last = model.layers[-1]
    features = keras.Model(model.inputs, last.input)

    def logits(images: Any) -> Any:
        return tf.matmul(features(images, training=False), last.kernel) + last.bias

    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8)
    traced = tf.function(logits, input_signature=[pixels], autograph=False)
    return lambda images: np.asarray(traced(images))


def export(scored: Scored, dataset: Dataset, trained: Trained, archive: Path, verifier: Verifier) -> Exported:
    """Write the delivery beside the archive and have both networks verified.

    Raises:
        UserFault: ``export_not_faithful``, if a file does not do what was evaluated.
    """
    px = trained.backbone.input_px
    kept = np.unique(np.linspace(0, len(scored.evaluation.indices) - 1, NUM_KEPT).round().astype(int))
    squares = archive.parent / "kept.npy"
    np.save(squares, dataset.images(px)[scored.evaluation.indices[kept]])
    expected = tuple(tuple(map(float, row)) for row in scored.evaluation.probabilities[kept])
    paths = tuple(dataset.paths[position] for position in scored.evaluation.indices[kept])

    def verify(model: Path) -> None:
        verifier.begin(Request(model=model, archive=archive, paths=paths, squares=squares, expected=expected))

    package = pack(scored.model, dataset.classes, archive.parent / "delivery", verify)
    size = describe(scored.model, trained.backbone)
    for path in (package.model_h5, package.model_keras):
        fault = objection(path.name, verifier.check())
        if fault is not None:
            raise UserFault.of(fault)
    return Exported(package=package, size=size, versions=versions())
