"""How values of Keras lie in a graph of nodes: maps with their channels in front, everything else as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.nodes.graph import NodeGraph

MAP_RANK = 4
_TO_FRONT, _TO_BACK = (0, 3, 1, 2), (0, 2, 3, 1)
_PLACES = {axis: _TO_FRONT.index(axis) for axis in range(MAP_RANK)}


@dataclass(frozen=True, slots=True)
class Value:
    """A value in the graph.

    Args:
        name: In the graph.
        shape: As Keras sees it, channels last; ``None`` for the number of images.
    """

    name: str
    shape: tuple[int | None, ...]

    @property
    def is_map(self) -> bool:
        """Whether it lies with its channels in front."""
        return len(self.shape) == MAP_RANK

    def size(self, axis: int) -> int:
        """Return the length of an axis, as Keras counts axes.

        Raises:
            Inexpressible: If it is not fixed.
        """
        length = self.shape[axis]
        if length is None:
            raise Inexpressible(f"a length of {self.name}, {self.shape}, is not fixed")
        return length

    def place(self, axis: int) -> int:
        """Return where an axis, as Keras counts axes, lies in the graph."""
        positive = axis % len(self.shape)
        return _PLACES[positive] if self.is_map else positive


def channels_front(graph: NodeGraph, name: str, rank: int) -> str:
    """Return a value that lies as in Keras as it has to lie in the graph."""
    return graph.node("Transpose", name, perm=_TO_FRONT) if rank == MAP_RANK else name


def channels_back(graph: NodeGraph, value: Value) -> str:
    """Return a value as it lies in Keras."""
    return graph.node("Transpose", value.name, perm=_TO_BACK) if value.is_map else value.name


def permutation(value: Value, axes: Sequence[int]) -> list[int]:
    """Return by what a value's axes change places in the graph.

    Args:
        value: The value.
        axes: As Keras sees it, for every axis of the result: the axis of the value that it was.
    """
    return [value.place(axes[axis]) for axis in (_TO_FRONT if value.is_map else range(len(axes)))]


def broadcast(graph: NodeGraph, values: Any, like: Value) -> str:
    """Return numbers, one or one per channel, as a constant that can be computed with a value."""
    numbers = np.asarray(values, np.float32)
    if numbers.size == 1:
        return graph.constant(numbers.reshape(()))
    return graph.constant(numbers.reshape(1, -1, 1, 1) if like.is_map else numbers.reshape(-1))


class Values:
    """What the tensors of a network are in the graph.

    Args:
        graph: Where they are.
    """

    def __init__(self, graph: NodeGraph) -> None:
        self._graph = graph
        self._names: dict[int, str] = {}

    def put(self, tensor: keras.KerasTensor, name: str) -> None:
        """Remember where a tensor is."""
        self._names[id(tensor)] = name

    def get(self, tensor: keras.KerasTensor) -> Value:
        """Return a tensor's value.

        Raises:
            Inexpressible: If it was computed by nothing that is known.
        """
        if id(tensor) not in self._names:
            raise Inexpressible(f"{tensor} is computed outside the network")
        return Value(self._names[id(tensor)], tuple(tensor.shape))

    def operands(self, arguments: Sequence[Any]) -> list[Value | float]:
        """Return the tensors and numbers in the arguments of a call, lists taken apart."""
        found: list[Value | float] = []
        for each in arguments:
            if isinstance(each, list | tuple):
                found.extend(self.operands(each))
            elif isinstance(each, keras.KerasTensor):
                found.append(self.get(each))
            elif isinstance(each, int | float):
                found.append(float(each))
            else:
                raise Inexpressible(f"a network computes with {type(each).__name__}")
        return found
