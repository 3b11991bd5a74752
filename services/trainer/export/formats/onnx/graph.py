"""An ONNX graph as it grows, node by node; nothing here knows of Keras."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
"""Version of the operators, of 2022, which runtimes of the last years know; one of them is no older."""
IR_VERSION = 8
"""Of the file format, of the same time."""


class OnnxGraph:
    """Nodes and constants; the value that a node gives is known by its name."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[Hashable, onnx.TensorProto] = {}

    def constant(self, values: ArrayLike, key: Hashable = None, *, dtype: type[np.generic] = np.float32) -> str:
        """Add an array and return its name.

        Args:
            values: Its values.
            key: What is added under the same key is added once: weights that serve at several places.
            dtype: Its type.
        """
        name = f"constant_{len(self._constants)}"
        if key is None:
            key = name
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(np.ascontiguousarray(values, dtype), name)
        found: str = self._constants[key].name
        return found

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one result and return the result's name."""
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def write(
        self,
        path: Path,
        *,
        name: str,
        side_px: int,
        outputs: Mapping[str, tuple[str, int]],
        metadata: Sequence[tuple[str, str]],
    ) -> None:
        """Write the graph as a model from ``image``, ``(n, side_px, side_px, 3) float32``, to its outputs.

        Args:
            path: Where.
            name: Of the network.
            side_px: Of the squares that it takes.
            outputs: By the names that they are given under: name and width of values of shape ``(n, width)``.
            metadata: What is noted in the file, by name.

        Raises:
            onnx.checker.ValidationError: If it is no valid model.
            OSError: If it cannot be written.
        """
        given = []
        for output, (value, width) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value], [output], name=output))
            given.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width]))
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", side_px, side_px, 3])
        graph = helper.make_graph(self._nodes, name, [image], given, list(self._constants.values()))
        model = helper.make_model(
            graph,
            producer_name="convtailor",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
