"""``model.tflite``: the network for phones and small boards, written operator by operator.

Written by us: TensorFlow's converter wants weights as constants of a graph, of which it makes more than a dozen copies
on the way, and a tracing and an optimisation for every file. See ADR 32.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.squares_model import OUTPUTS, Call, SquaresModel, parts_of
from services.trainer.export.formats.tflite.graph import TFLiteGraph, Value
from services.trainer.export.formats.tflite.layers import EMITTERS, Step, mean, moved, sliced
from services.trainer.zoo.folded import CHANNELS_LAST, is_linear


def write_tflite(squares: SquaresModel, path: Path, *, half: bool = False) -> None:
    """Write a network that takes one square at a time: phones' accelerators want fixed shapes.

    What the last layer reads is given too, as ``features``, where the network has the last layer of ours.

    Args:
        squares: The network.
        path: Where.
        half: Whether weights are rounded to float16, which halves the file; computed is in float32 all the same.

    Raises:
        Inexpressible: If it holds something that is not known here.
        OSError: If it cannot be written.
    """
    writer = _Writer(squares, TFLiteGraph(half=half))
    for call in squares.calls:
        writer.emit(call)
    outputs = {name: writer.value_of(each) for name, each in zip(OUTPUTS, squares.model.outputs, strict=False)}
    writer.graph.write(path, outputs, name=squares.model.name)


class _Writer:
    """The graph, what the tensors of the network are in it, and who reads them."""

    def __init__(self, squares: SquaresModel, graph: TFLiteGraph) -> None:
        self.graph = graph
        self._values = {id(squares.model.input): graph.image(_of_one(squares.model.input))}
        read = [each for call in squares.calls for each in _tensors((call.arguments, call.options))]
        self._num_readers = Counter(id(each) for each in (*read, *squares.model.outputs))
        self._followers = self._find_followers(squares)

    def value_of(self, tensor: keras.KerasTensor) -> Value:
        """Return what a tensor is in the graph.

        Raises:
            Inexpressible: If it was computed by nothing that is known.
        """
        if id(tensor) not in self._values:
            raise Inexpressible(f"{tensor} is computed outside the network")
        return self._values[id(tensor)]

    def emit(self, call: Call) -> None:
        """Write an operation of the network.

        Raises:
            Inexpressible: If it is not known.
        """
        self._values[id(call.result)] = self._emitted(call)

    def _emitted(self, call: Call) -> Value:
        kind = type(call.operation).__name__
        if kind in _JOINING:
            return self._join(call, _JOINING[kind], is_mean=kind == "Average")
        if kind in _OTHERS:
            return _OTHERS[kind](self, call)
        if kind not in EMITTERS:
            raise Inexpressible(f"the operation {kind} is not known")
        given = call.arguments[0]
        if self._followers.get(id(given)) is call.operation:
            return self.value_of(given)  # it is in the weights of what gives its input
        step = Step(
            graph=self.graph,
            layer=call.operation,
            value=self.value_of(given),
            shape=_of_one(call.result),
            follower=self._followers.get(id(call.result)),
            is_read_alone=self._num_readers[id(given)] == 1,
        )
        found = EMITTERS[kind](step)
        if found.place == step.value.place and not step.is_read_alone:
            self._num_readers[id(call.result)] += 1  # others read the very same value under another name
        return found

    def _find_followers(self, squares: SquaresModel) -> Mapping[int, keras.layers.BatchNormalization]:
        """Return the normalisation that alone reads what a linear layer gives, by the latter."""
        given_by = {id(call.result): call.operation for call in squares.calls}
        found = {}
        for call in squares.calls:
            if isinstance(call.operation, keras.layers.BatchNormalization) and call.operation.axis in CHANNELS_LAST:
                place = id(call.arguments[0])
                if self._num_readers[place] == 1 and is_linear(given_by.get(place)):
                    found[place] = call.operation
        return found

    def _join(self, call: Call, kind: str, *, is_mean: bool) -> Value:
        """Compute values, or a value and numbers, with each other, element by element."""
        operands = [self._operand(each) for each in _flat(call.arguments)]
        shape = _of_one(call.result)
        first, *others = operands
        for other in others:
            first = self.graph.operator(kind, [first, other], shape)
        return moved(self.graph, "MUL", first, 1 / len(operands), 1.0) if is_mean else first

    def _operand(self, given: Any) -> Value:
        if isinstance(given, keras.KerasTensor):
            return self.value_of(given)
        if isinstance(given, int | float):
            return self.graph.constant(float(given))
        raise Inexpressible(f"a network computes with {type(given).__name__}")


def _stack(writer: _Writer, call: Call) -> Value:
    values = [writer.value_of(each) for each in _tensors(call.arguments)]
    shape = _of_one(call.result)
    axis = call.operation.axis % len(shape)
    return writer.graph.operator("PACK", values, shape, valuesCount=len(values), axis=axis)


def _concatenate(writer: _Writer, call: Call) -> Value:
    values = [writer.value_of(each) for each in _tensors(call.arguments)]
    shape = _of_one(call.result)
    return writer.graph.operator("CONCATENATION", values, shape, axis=call.operation.axis % len(shape))


def _mean(writer: _Writer, call: Call) -> Value:
    value, operation = writer.value_of(call.arguments[0]), call.operation
    axes = operation.axis if isinstance(operation.axis, list | tuple) else (operation.axis,)
    places = [axis % len(value.shape) for axis in axes]
    return mean(writer.graph, value, places, keeps=bool(operation.keepdims))


def _part(writer: _Writer, call: Call) -> Value:
    parts = parts_of(call)
    return sliced(writer.graph, writer.value_of(call.arguments[0]), parts, _of_one(call.result))


def _tensors(arguments: Any) -> list[keras.KerasTensor]:
    return [each for each in _flat(arguments) if isinstance(each, keras.KerasTensor)]


def _flat(arguments: Any) -> list[Any]:
    flat: list[Any] = keras.tree.flatten(arguments)
    return flat


def _of_one(tensor: keras.KerasTensor) -> tuple[int, ...]:
    """Return the shape of a tensor of one image.

    Raises:
        Inexpressible: If a length is not fixed.
    """
    shape = (1, *tensor.shape[1:])
    if None in shape:
        raise Inexpressible(f"a length of {tensor.name}, {tensor.shape}, is not fixed")
    return shape


_JOINING: Mapping[str, str] = MappingProxyType(
    {
        "Add": "ADD",
        "Average": "ADD",
        "Divide": "DIV",
        "Maximum": "MAXIMUM",
        "Minimum": "MINIMUM",
        "Multiply": "MUL",
        "Subtract": "SUB",
        "TrueDivide": "DIV",
    }
)
"""Element by element: layers, and the operators of Keras's tensors."""
_OTHERS: Mapping[str, Callable[[_Writer, Call], Value]] = MappingProxyType(
    {"Concatenate": _concatenate, "Flip": _part, "GetItem": _part, "Mean": _mean, "Stack": _stack}
)
