"""``model.zip`` put together: the network, how to use it, and what was found about it."""

from collections.abc import Sequence
from pathlib import Path

from services.trainer.data.dataset import Dataset
from services.trainer.export.bundle.documents import expected_document, model_card, model_document
from services.trainer.export.bundle.model_zip import describe_file, write_zip
from services.trainer.export.bundle.tables import prediction_table, split_table, suspect_table
from services.trainer.export.delivery import Package, result_text
from services.trainer.strangers.learning import likeness_document
from services.trainer.training.formats import Formats
from services.trainer.training.scoring import Scored
from shared.job.result import Result
from shared.layout import FILE_NAMES, MODEL_DOCUMENT, PREDICTIONS_TABLE, SPLITS_TABLE, SUSPECTS_TABLE, Artefact


def write_strangers(package: Package, scored: Scored, classes: Sequence[str]) -> dict[Artefact, Path]:
    """Write what tells strangers beside the network, if there is any, and return where it is.

    Raises:
        OSError: If it cannot be written.
    """
    if scored.likeness is None:
        return {}
    path = package.labels.with_name(FILE_NAMES[Artefact.STRANGERS])
    path.write_text(likeness_document(scored.likeness, classes), encoding="utf-8")
    return {Artefact.STRANGERS: path}


def bundle(package: Package, formats: Formats, result: Result, dataset: Dataset, scored: Scored) -> Path:
    """Write ``model.zip`` beside the network.

    Of each runtime one file, so that all is at most three times the network: of two for LiteRT the smaller.

    Args:
        package: The Keras files; ``model.keras`` is taken, which holds what ``model.h5`` holds.
        formats: The others.
        result: What was found.
        dataset: Photographs and split.
        scored: What the network said in the test.

    Raises:
        OSError: If it cannot be written.
    """
    light = formats.files.get(Artefact.MODEL_TFLITE_FLOAT16) or formats.files.get(Artefact.MODEL_TFLITE)
    networks = [each for each in (package.model_keras, formats.files.get(Artefact.MODEL_ONNX), light) if each]
    files = [describe_file(each) for each in networks]
    evaluation, learning = scored.evaluation, dataset.learning
    texts = {
        "README.md": model_card(result, files),
        MODEL_DOCUMENT: model_document(result, files),
        FILE_NAMES[Artefact.LABELS]: package.labels.read_text(encoding="utf-8"),
        FILE_NAMES[Artefact.PREDICT]: package.predict.read_text(encoding="utf-8"),
        FILE_NAMES[Artefact.RESULT]: result_text(result),
        SPLITS_TABLE: split_table(learning, evaluation.labels, dataset.quarantined),
        SUSPECTS_TABLE: suspect_table(result.suspects),
        PREDICTIONS_TABLE: prediction_table(learning, evaluation.indices, evaluation.labels, evaluation.probabilities),
    }
    if scored.likeness is not None:
        texts[FILE_NAMES[Artefact.STRANGERS]] = likeness_document(scored.likeness, learning.classes)
    if formats.examples:
        texts["examples/expected.json"] = expected_document(formats.examples, learning.classes)
    path = package.labels.with_name(FILE_NAMES[Artefact.MODEL_ZIP])
    write_zip(path, networks, texts, [each.file for each in formats.examples])
    return path
