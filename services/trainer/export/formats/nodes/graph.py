"""What a graph of nodes must be able to do, whichever file it becomes."""

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike


class NodeGraph(Protocol):
    """Takes nodes in an order in which they can be computed; operators and attributes are ONNX's, of opset 17.

    Values are known by names that the graph gives.
    """

    def constant(self, values: ArrayLike, key: Hashable = None, *, dtype: type[np.generic] = np.float32) -> str:
        """Add an array and return its name.

        Args:
            values: Its values.
            key: What is added under the same key is added once: weights that serve at several places.
            dtype: Its type.
        """
        ...

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one result and return the result's name.

        Args:
            operator: Its name.
            inputs: Names of values; operators that read places, lengths or bounds take constants for them.
            attributes: As its definition has them.

        Raises:
            Inexpressible: If the file cannot hold it.
        """
        ...
