"""The delivered program answers alike in clean environments that have one runtime each: ``make compat``."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.trainer.export.formats.squares_model import from_squares
from services.trainer.export.formats.tflite.writer import write_tflite
from services.trainer.export.package import pack
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import build, complete
from shared.layout import FILE_NAMES, Artefact
from tests.compat.runtimes import run_with_runtime

pytestmark = [pytest.mark.compat, pytest.mark.slow]

CLASSES = ("ant", "bee", "cockchafer")
NUM_PICTURES = 4
RUNTIMES = {
    "the newest onnxruntime": (("onnxruntime",), Artefact.MODEL_ONNX),
    "the oldest onnxruntime that has wheels for numpy 2": (("onnxruntime==1.19.*",), Artefact.MODEL_ONNX),
    "the newest ai-edge-litert": (("ai-edge-litert",), Artefact.MODEL_TFLITE),
    "ai-edge-litert, half the weights": (("ai-edge-litert",), Artefact.MODEL_TFLITE_FLOAT16),
}


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[tuple[str, float]]]:
    """A folder with a network in all formats, pictures, and what Keras says of them."""
    writer = pytest.importorskip("services.trainer.export.formats.onnx.writer")
    place = tmp_path_factory.mktemp("delivery")
    row, generator = BACKBONES["efficientnet_lite0"], np.random.default_rng(0)
    kernel = generator.normal(0, 20, (row.feature_width, len(CLASSES))).astype(np.float32)
    network = complete(build(row, None), Head(kernel=kernel, bias=np.zeros(len(CLASSES), np.float32)))
    pack(network, CLASSES, place, lambda _: None)
    squares = from_squares(network, row.input_px)
    writer.write_onnx(squares, place / FILE_NAMES[Artefact.MODEL_ONNX])
    write_tflite(squares, place / FILE_NAMES[Artefact.MODEL_TFLITE], half=False)
    write_tflite(squares, place / FILE_NAMES[Artefact.MODEL_TFLITE_FLOAT16], half=True)
    names, expected = [], []
    for number in range(NUM_PICTURES):
        pixels = generator.integers(0, 256, (3 + number, 4, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((300 + 50 * number, 200))
        names.append(str(place / f"{number}.png"))
        image.save(names[-1])
        found = np.asarray(network(np.asarray(image)[None], training=False))[0]
        expected.append((CLASSES[int(found.argmax())], float(found.max())))
    return place, names, expected


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_delivered_program_answers_as_keras_does(
    runtime: str, delivery: tuple[Path, list[str], list[tuple[str, float]]], tmp_path: Path
) -> None:
    place, names, expected = delivery
    packages, artefact = RUNTIMES[runtime]
    for name in (FILE_NAMES[artefact], "labels.txt", "predict.py"):
        (tmp_path / name).write_bytes((place / name).read_bytes())

    told = [line.split("\t") for line in run_with_runtime(packages, str(tmp_path / "predict.py"), *names).splitlines()]

    assert [line[1] for line in told] == [name for name, _ in expected]
    np.testing.assert_allclose([float(line[2]) for line in told], [value for _, value in expected], atol=0.01)
