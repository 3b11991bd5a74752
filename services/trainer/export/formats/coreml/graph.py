"""A program of Core ML as it grows, node by node, within one of coremltools' functions; nothing here knows of Keras."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from coremltools.converters.mil import Builder
from numpy.typing import ArrayLike, NDArray

from services.trainer.export.formats.coreml.operators import OPERATORS
from services.trainer.export.formats.inexpressible import Inexpressible


class MilGraph:
    """Nodes and constants; may only be used while coremltools builds a function.

    Args:
        image: What the function is given.
    """

    def __init__(self, image: Any) -> None:
        self._values: dict[str, Any] = {"image": image}
        self._numbers: dict[str, NDArray[Any]] = {}
        self._constants: dict[Hashable, str] = {}

    def constant(self, values: ArrayLike, key: Hashable = None, *, dtype: type[np.generic] = np.float32) -> str:
        """Add an array and return its name.

        Args:
            values: Its values.
            key: What is added under the same key is added once: weights that serve at several places.
            dtype: Its type.
        """
        name = f"constant_{len(self._constants)}"
        found = self._constants.setdefault(name if key is None else key, name)
        if found not in self._numbers:
            self._numbers[found] = np.ascontiguousarray(values, dtype).reshape(np.shape(values))
        return found

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one result and return the result's name.

        Args:
            operator: Of ONNX.
            inputs: Names of values and constants.
            attributes: As ONNX has them.

        Raises:
            Inexpressible: If it is not known here.
        """
        if operator not in OPERATORS:
            raise Inexpressible(f"the operator {operator} is not known to the writer of Core ML")
        name = f"{operator}_{len(self._values)}"
        given = [self._weights(each) if each in self._numbers else self._values[each] for each in inputs]
        self._values[name] = OPERATORS[operator](given, attributes)
        return name

    def output(self, value: str, name: str) -> Any:
        """Return a value under the name that the program gives it under."""
        return Builder.identity(x=self._values[value], name=name)

    def _weights(self, name: str) -> Any:
        """Return a constant: numbers of places and lengths as they are, weights as one value however often read."""
        numbers = self._numbers[name]
        if numbers.dtype != np.float32:
            return numbers
        if name not in self._values:
            self._values[name] = Builder.const(val=numbers, name=name)
        return self._values[name]
