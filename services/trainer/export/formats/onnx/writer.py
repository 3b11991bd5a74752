"""``model.onnx``: the network for ONNX Runtime and everything else that reads ONNX, written operation by operation.

Written by us: the published converter goes by way of TensorFlow's graph and patches numpy to run at all; this reads
the layers of Keras, of which a delivered network has two dozen kinds. See ADR 26.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from services.trainer.export.formats.nodes.walk import lay_out
from services.trainer.export.formats.onnx.graph import OnnxGraph
from services.trainer.export.formats.squares_model import SquaresModel


def write_onnx(squares: SquaresModel, path: Path, metadata: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write a network as ONNX: ``image``, ``(n, side_px, side_px, 3) float32`` of 0 to 255, to ``probabilities``.

    What the last layer reads is given too, as ``features``, where the network has the last layer of ours.

    Args:
        squares: The network.
        path: Where.
        metadata: What is noted in the file, by name.

    Raises:
        Inexpressible: If it holds something that is not known here.
        OSError: If it cannot be written.
    """
    graph = OnnxGraph()
    outputs = lay_out(squares, graph, "image")
    graph.write(
        path,
        name=squares.model.name,
        side_px=squares.side_px,
        outputs={name: (value.name, value.size(-1)) for name, value in outputs.items()},
        metadata=tuple(metadata.items()),
    )
