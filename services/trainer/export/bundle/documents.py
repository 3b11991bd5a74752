"""What a delivery says of itself: ``model.json`` for programs, ``README.md`` for people and for model hubs. Pure."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.trainer.export.bundle.examples import Example
from shared.job.result import Result
from shared.job.verdict.rule import verdict_of
from shared.job.verdict.words import reason_of, title_of
from shared.json_codec import to_json
from shared.language.number import decimal_in, number_in
from shared.language.speech import _, marked, ngettext, share_told, spoken
from shared.layout import FILE_NAMES, Artefact
from shared.text.printable import printable_name, shortened

DOCUMENT_VERSION = 1
"""Of ``model.json``; raised when a field changes its meaning."""
_MAX_CLASSES = 50
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFile:
    """A file with a network.

    Args:
        name: Its name.
        size_bytes: Its size.
        sha256: Its digest, hexadecimal.
    """

    name: str
    size_bytes: int
    sha256: str


_USES = {
    FILE_NAMES[Artefact.MODEL_KERAS]: marked("Keras; resizes by itself: takes pictures of any size"),
    FILE_NAMES[Artefact.MODEL_ONNX]: marked("ONNX Runtime; takes squares"),
    FILE_NAMES[Artefact.MODEL_TFLITE]: marked("LiteRT (TensorFlow Lite); takes one square at a time"),
    FILE_NAMES[Artefact.MODEL_TFLITE_FLOAT16]: marked(
        "LiteRT (TensorFlow Lite), weights in float16; takes one square at a time"
    ),
}


def model_document(result: Result, files: Sequence[NetworkFile]) -> str:
    """Return ``model.json``: what a program needs to know to use the network.

    Args:
        result: What was found.
        files: The networks beside it.
    """
    side_px = result.model.input_px
    document: dict[str, Any] = {
        "version": DOCUMENT_VERSION,
        "name": result.winner,
        "classes": list(result.classes),
        "square": {
            "side_px": side_px,
            "shape": ["n", side_px, side_px, 3],
            "type": "float32",
            "range": [0, 255],
            "channels": "RGB",
            "resize": "bilinear, antialiased, whole picture to a square; as resize() in predict.py",
        },
        "picture": "upright by EXIF, transparency over white, 8 bits; as read_pixels() in predict.py",
        "answer": {"name": "probabilities", "shape": ["n", len(result.classes)], "sums_to": 1},
        "files": {
            each.name: {"for": _USES.get(each.name, ""), "size_bytes": each.size_bytes, "sha256": each.sha256}
            for each in files
        },
        "oldest_keras": result.model.oldest_keras,
        "test_accuracy": result.test.accuracy,
        "verdict": verdict_of(result).grade,
        "unsure_below": None if result.certainty is None else result.certainty.threshold,
        "answer_sets": to_json(result.certainty.sets) if result.certainty and result.certainty.sets else None,
        "licence_of_pretrained_weights": result.model.weights_licence,
        "versions": dict(result.versions),
        "run": to_json(result.run) if result.run is not None else None,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def expected_document(examples: Sequence[Example], classes: Sequence[str]) -> str:
    """Return what the network says of the examples.

    Args:
        examples: With their answers.
        classes: Names in the order of the answers.
    """
    told = {
        each.file.name: {
            "filed_as": each.actual,
            "class": classes[max(range(len(classes)), key=each.probabilities.__getitem__)],
            "probabilities": dict(zip(classes, each.probabilities, strict=True)),
        }
        for each in examples
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def model_card(result: Result, files: Sequence[NetworkFile]) -> str:
    """Return ``README.md``, a model card, in the language that is spoken, with the block at its head that hubs read.

    Args:
        result: What was found.
        files: The networks beside it.
    """
    num_classes = len(result.classes)
    parts = (
        f"---\n{_metadata(result)}---",
        "# " + _("{name}, fitted to {num} classes", name=_plain(result.winner), num=num_classes),
        _(
            "Tells photographs of {num} classes apart. Made by convtailor from a network that knew ImageNet.",
            num=num_classes,
        ),
        f"**{title_of(result)}.** {_plain(reason_of(result))}",
        _accuracy(result),
        "## " + _("Use"),
        "```sh\npip install pillow numpy onnxruntime\npython predict.py examples/1.jpg\n```",
        _runtimes(result),
        _table((_("file"), _("size"), _("for")), _rows_of_files(files)),
        _(
            "Files that take squares want `{shape}` float32 RGB of 0 to 255, resized as `resize()` in `predict.py` "
            "does it; another resize costs accuracy. `model.json` says the same to programs.",
            shape=(result.model.input_px, result.model.input_px, 3),
        ),
        "## " + _("How good it is"),
        _table((_("class"), _("recall"), _("precision"), _("test images")), _rows_of_classes(result)),
        " ".join((_which_classes(num_classes), _where_else(result))),
        _pretrained(result),
    )
    return "\n\n".join(parts) + "\n"


def _accuracy(result: Result) -> str:
    low, high = (share_told(bound, 1) for bound in result.test.interval)
    told = ngettext(
        "**{accuracy}** of {count} held-back test image are right (95\u00a0% interval {low} to {high}).",
        "**{accuracy}** of {count} held-back test images are right (95\u00a0% interval {low} to {high}).",
        result.test.num_images,
        accuracy=share_told(result.test.accuracy, 1),
        low=low,
        high=high,
    )
    like = _("That holds for photographs like those; a picture of anything else gets one of these classes too.")
    return f"{told} {like}"


def _runtimes(result: Result) -> str:
    oldest = result.model.oldest_keras
    if oldest:
        runs = _(
            "`predict.py` takes whichever of onnxruntime, ai-edge-litert or keras ({version} or later, with "
            "tensorflow) is installed.",
            version=oldest,
        )
    else:
        runs = _("`predict.py` takes whichever of onnxruntime, ai-edge-litert or keras is installed.")
    agree = _("What it says of `examples/` has to agree with `examples/expected.json`.")
    return f"{runs} {agree}"


def _which_classes(num_classes: int) -> str:
    if num_classes > _MAX_CLASSES:
        return _(
            "{num} classes in all; the {some} with the lowest recall.",
            num=number_in(spoken(), num_classes),
            some=_MAX_CLASSES,
        )
    return _("{num} classes in all.", num=num_classes)


def _where_else(result: Result) -> str:
    counts = result.counts
    train, validation, test = (number_in(spoken(), each) for each in (counts.train, counts.validation, counts.test))
    return _(
        "`result.json` has every number, `predictions.csv` every answer of the test, `splits.csv` which file served "
        "for what: {train} to train, {validation} to choose, {test} to test.",
        train=train,
        validation=validation,
        test=test,
    )


def _pretrained(result: Result) -> str:
    if result.model.weights_licence is None:
        return _("Pretrained weights: see `result.json`.")
    return _("Pretrained weights: {licence}.", licence=result.model.weights_licence)


def _table(titles: Sequence[str], rows: str) -> str:
    return f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n{rows}"


def _rows_of_files(files: Sequence[NetworkFile]) -> str:
    return "\n".join(
        f"| `{each.name}` | {_megabytes(each.size_bytes)} | {_(_USES[each.name]) if each.name in _USES else ''} |"
        for each in files
    )


def _rows_of_classes(result: Result) -> str:
    """Return the classes with the lowest recall, the worst first."""
    scores = sorted(result.test.per_class, key=lambda score: score.recall)[:_MAX_CLASSES]
    return "\n".join(
        f"| {_plain(score.name)} | {_two_digits(score.recall)} | {_two_digits(score.precision)} | {score.num_images} |"
        for score in scores
    )


def _megabytes(num_bytes: int) -> str:
    return _("{size} MB", size=decimal_in(spoken(), f"{num_bytes / 1e6:.1f}"))


def _two_digits(share: float) -> str:
    return decimal_in(spoken(), f"{share:.2f}")


def _metadata(result: Result) -> str:
    licence = (result.model.weights_licence or "other").lower()
    name = json.dumps(result.winner)
    return f"""license: {json.dumps(licence)}
library_name: keras
pipeline_tag: image-classification
tags: [image-classification, keras, onnx, tflite]
model-index:
- name: {name}
  results:
  - task: {{type: image-classification}}
    dataset: {{name: held-back test images, type: imagefolder}}
    metrics:
    - {{type: accuracy, value: {result.test.accuracy:.4f}}}
    - {{type: f1, name: macro F1, value: {result.test.macro_f1:.4f}}}
"""


def _plain(name: str) -> str:
    """Return a name as Markdown that shows it and does nothing else."""
    return html.escape(_MARKDOWN.sub(r"\\\1", shortened(printable_name(name))), quote=False)
