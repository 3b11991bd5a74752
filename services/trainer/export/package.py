"""What the person receives: the network in two formats, its labels, and a program that uses it."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import keras

from services.trainer.export.delivery import Package
from services.trainer.export.keras_file import portable
from services.trainer.export.program import predict_source
from services.trainer.zoo.backbone import Backbone
from shared.job.findings.network import ModelSize
from shared.layout import FILE_NAMES, Artefact

SUMMARY_WIDTH = 100


def pack(model: keras.Model, classes: tuple[str, ...], directory: Path, saved: Callable[[Path], None]) -> Package:
    """Write everything into a folder.

    Args:
        model: ``(n, height_px, width_px, 3) uint8`` of any size to ``(n, num_classes)`` probabilities.
        classes: Names in the order of the outputs.
        directory: Made where it is missing.
        saved: Told of each network as soon as it is written, so that it can be verified while the rest is written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    package = Package(
        model_h5=directory / FILE_NAMES[Artefact.MODEL_H5],
        model_keras=directory / FILE_NAMES[Artefact.MODEL_KERAS],
        labels=directory / FILE_NAMES[Artefact.LABELS],
        predict=directory / FILE_NAMES[Artefact.PREDICT],
    )
    # Keras calls .h5 legacy at every save; the person asked for it, so that is no news for the log.
    logging.getLogger("absl").setLevel(logging.ERROR)
    for path in (package.model_h5, package.model_keras):
        portable.save(model, path)
        saved(path)
    package.labels.write_text("\n".join(classes) + "\n", encoding="utf-8")
    package.predict.write_text(predict_source(), encoding="utf-8")
    return package


def describe(model: keras.Model, backbone: Backbone) -> ModelSize:
    """Return the counts and the summary of a network as Keras prints it.

    Args:
        model: The network as delivered.
        backbone: What it grew from.
    """
    os.environ["COLUMNS"] = str(SUMMARY_WIDTH)  # without a terminal, the table would be cut at 80 columns
    lines: list[str] = []
    model.summary(line_length=SUMMARY_WIDTH, print_fn=lambda line, **_: lines.append(line))
    trainable = sum(int(weight.shape.num_elements() or 0) for weight in model.trainable_weights)
    total = model.count_params()
    return ModelSize(
        total_parameters=total,
        trainable_parameters=trainable,
        non_trainable_parameters=total - trainable,
        summary="\n".join(lines),
        input_px=backbone.input_px,
        cut_layer=backbone.cut_layer,
        weights_licence=backbone.licence,
        oldest_keras=portable.OLDEST_KERAS,
    )
