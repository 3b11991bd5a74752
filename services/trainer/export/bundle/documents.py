"""What a delivery says of itself: ``model.json`` for programs, ``README.md`` for people and for model hubs. Pure."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.trainer.export.bundle.examples import Example
from shared.job.result import Result
from shared.job.verdict.rule import WORDS, verdict_of
from shared.json_codec import to_json
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
    FILE_NAMES[Artefact.MODEL_KERAS]: "Keras; resizes by itself: takes pictures of any size",
    FILE_NAMES[Artefact.MODEL_ONNX]: "ONNX Runtime; takes squares",
    FILE_NAMES[Artefact.MODEL_TFLITE]: "LiteRT (TensorFlow Lite); takes one square at a time",
    FILE_NAMES[
        Artefact.MODEL_TFLITE_FLOAT16
    ]: "LiteRT (TensorFlow Lite), weights in float16; takes one square at a time",
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
    """Return ``README.md``: a model card, with the block at its head that model hubs read.

    Args:
        result: What was found.
        files: The networks beside it.
    """
    low, high = result.test.interval
    cut = f"; the {_MAX_CLASSES} with the lowest recall" if len(result.classes) > _MAX_CLASSES else ""
    return f"""---
{_metadata(result)}---

# {_plain(result.winner)}, fitted to {len(result.classes)} classes

Tells photographs of {len(result.classes)} classes apart. Made by convtailor from a network that knew ImageNet.

**{WORDS[verdict_of(result).grade]}.** {_plain(verdict_of(result).reason)}

**{result.test.accuracy:.1%}** of {result.test.num_images} held-back test images are right (95 % interval {low:.1%} to
{high:.1%}). That holds for photographs like those; a picture of anything else gets one of these classes too.

## Use

```sh
pip install pillow numpy onnxruntime
python predict.py examples/1.jpg
```

`predict.py` takes whichever of onnxruntime, ai-edge-litert or keras{_since(result)} is installed.
What it says of `examples/` has to agree with `examples/expected.json`.

| file | size | for |
|---|---|---|
{_rows_of_files(files)}

Files that take squares want `({result.model.input_px}, {result.model.input_px}, 3)` float32 RGB of 0 to 255, resized as
`resize()` in `predict.py` does it; another resize costs accuracy. `model.json` says the same to programs.

## How good it is

| class | recall | precision | test images |
|---|---|---|---|
{_rows_of_classes(result)}

{len(result.classes)} classes in all{cut}. `result.json` has every number, `predictions.csv` every answer of the test,
`splits.csv` which file served for what: {result.counts.train} to train, {result.counts.validation} to choose,
{result.counts.test} to test.

Pretrained weights: {result.model.weights_licence or "see result.json"}.
"""


def _rows_of_files(files: Sequence[NetworkFile]) -> str:
    return "\n".join(
        f"| `{each.name}` | {each.size_bytes / 1e6:.1f} MB | {_USES.get(each.name, '')} |" for each in files
    )


def _rows_of_classes(result: Result) -> str:
    """Return the classes with the lowest recall, the worst first."""
    scores = sorted(result.test.per_class, key=lambda score: score.recall)[:_MAX_CLASSES]
    return "\n".join(
        f"| {_plain(score.name)} | {score.recall:.2f} | {score.precision:.2f} | {score.num_images} |"
        for score in scores
    )


def _since(result: Result) -> str:
    return f" ({result.model.oldest_keras} or later, with tensorflow)" if result.model.oldest_keras else ""


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
