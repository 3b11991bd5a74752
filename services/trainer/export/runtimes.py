"""The runtimes that use a delivered network: which file each takes, and how it is opened; each is imported when asked.

Part of the delivered program, like whatever it imports of ours.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.resampling import resize

LAST_LAYER = "probabilities"
"""Name of it in Keras; what it reads are the features."""


class Outputs(NamedTuple):
    """What a network makes of pictures.

    Args:
        probabilities: One per class, ``(n, num_classes)``; they sum up to 1.
        features: What its last layer reads, ``(n, width)``; ``None`` where the file gives none.
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32] | None


COREML = "model.mlpackage.zip"
MLPACKAGE = "model.mlpackage"
"""Folder in there, which Core ML takes."""

Look = Callable[[NDArray[np.uint8]], Outputs]
"""From a picture of any size, ``(height_px, width_px, 3) uint8`` RGB, to what is said of this one."""


class Network(NamedTuple):
    """A network that takes squares.

    Args:
        side_px: Their side.
        look: From ``(n, side_px, side_px, 3) float32`` RGB of 0 to 255 to what it makes of them.
    """

    side_px: int
    look: Callable[[NDArray[np.float32]], Outputs]

    def of_picture(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Return what it makes of one picture, ``(height_px, width_px, 3)`` of any size."""
        return self.look(resize(pixels, self.side_px)[None])


def read_onnx(path: Path, *, spins: bool = True) -> Network:
    """Open ``model.onnx`` by ONNX Runtime.

    Args:
        path: The file.
        spins: Whether threads spin while they wait for each other: quicker for one picture, dearer beside other work.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spins else "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    side_px = int(session.get_inputs()[0].shape[1])
    return Network(side_px, lambda squares: outputs_of(session.run(None, {"image": squares})))


def read_tflite(path: Path) -> Network:
    """Open ``model.tflite`` by LiteRT, which takes one square at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    given, answers = interpreter.get_input_details()[0], interpreter.get_output_details()

    def look_at_one(square: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        interpreter.set_tensor(given["index"], square[None])
        interpreter.invoke()
        return [np.array(interpreter.get_tensor(each["index"])[0]) for each in answers]

    def look(squares: NDArray[np.float32]) -> Outputs:
        return outputs_of([np.stack(each) for each in zip(*map(look_at_one, squares), strict=True)])

    return Network(int(given["shape"][1]), look)


def read_coreml(path: Path) -> Network:
    """Open ``model.mlpackage.zip`` by Core ML, which takes one square at a time.

    Raises:
        ImportError: Where that is not to be had: anywhere but on a Mac.
    """
    if not runs_here(path.name):
        raise ImportError("Core ML runs on Macs only", name="coremltools")
    import coremltools

    with tempfile.TemporaryDirectory() as folder:
        with ZipFile(path) as zipped:
            zipped.extractall(folder)
        return network_of_package(coremltools.models.MLModel(str(Path(folder) / MLPACKAGE)))


def network_of_package(model: Any) -> Network:
    """Return the network of a package that coremltools opened, as its ``MLModel``."""
    description = model.get_spec().description
    (given,) = description.input
    names = sorted((each.name for each in description.output), key=lambda name: name != LAST_LAYER)

    def look(squares: NDArray[np.float32]) -> Outputs:
        answers = [model.predict({given.name: square[None]}) for square in squares]
        return outputs_of([np.concatenate([answer[name] for answer in answers]) for name in names])

    return Network(int(given.type.multiArrayType.shape[1]), look)


def outputs_of(outputs: Sequence[Any]) -> Outputs:
    """Return what a file gives: probabilities, and behind them features, which older ones lack."""
    probabilities, *others = (np.asarray(each) for each in outputs)
    return Outputs(probabilities, others[0] if others else None)


def open_onnx(path: Path) -> Look:
    """Return what ``model.onnx`` makes of a picture."""
    return read_onnx(path).of_picture


def open_tflite(path: Path) -> Look:
    """Return what ``model.tflite`` makes of a picture."""
    return read_tflite(path).of_picture


def open_coreml(path: Path) -> Look:
    """Return what ``model.mlpackage.zip`` makes of a picture."""
    return read_coreml(path).of_picture


def open_keras(path: Path) -> Look:
    """Return what ``model.keras`` or ``model.h5`` makes of a picture; these resize by themselves."""
    import keras

    model = keras.models.load_model(path, compile=False)
    whole = keras.Model(model.input, [model.output, *features_of(model)])
    return lambda pixels: outputs_of(whole(pixels[None], training=False))


def features_of(model: Any) -> list[Any]:
    """Return the tensor of what the last layer of a network of Keras reads; none where it has no such layer."""
    return [layer.input for layer in model.layers if layer.name == LAST_LAYER]


RUNTIMES: tuple[tuple[str, str, Callable[[Path], Look]], ...] = (
    ("model.onnx", "onnxruntime", open_onnx),
    ("model.tflite", "ai-edge-litert", open_tflite),
    ("model_float16.tflite", "ai-edge-litert", open_tflite),
    ("model.keras", "keras tensorflow", open_keras),
    ("model.h5", "keras tensorflow", open_keras),
    (COREML, "coremltools", open_coreml),
)
"""File, the packages that it needs, and how it is opened; the quickest first, and last what runs on few machines."""


def runs_here(name: str, system: str = sys.platform) -> bool:
    """Tell whether a file, by its name, can be used on a machine of this kind, whatever is installed."""
    return name != COREML or system == "darwin"
