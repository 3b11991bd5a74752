"""Lays out a network in a graph of nodes, operation by operation."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.nodes.graph import NodeGraph
from services.trainer.export.formats.nodes.layers import EMITTERS
from services.trainer.export.formats.nodes.values import Value, Values, channels_front
from services.trainer.export.formats.squares_model import OUTPUTS, Call, SquaresModel, parts_of


def lay_out(squares: SquaresModel, graph: NodeGraph, image: str) -> dict[str, Value]:
    """Add all that a network computes to a graph and return what it gives, by the names that files give it under.

    Args:
        squares: The network.
        graph: Where it goes.
        image: Name there of what the network is given, channels last.

    Raises:
        Inexpressible: If it holds something that is not known here, or not to the graph.
    """
    values = Values(graph)
    values.put(squares.model.input, channels_front(graph, image, len(squares.model.input.shape)))
    for call in squares.calls:
        values.put(call.result, _emit(graph, values, call))
    return {name: values.get(each) for name, each in zip(OUTPUTS, squares.model.outputs, strict=False)}


def _emit(graph: NodeGraph, values: Values, call: Call) -> str:
    kind = type(call.operation).__name__
    if kind in EMITTERS:
        return EMITTERS[kind](graph, call.operation, values.get(call.arguments[0]))
    if kind in _JOINING:
        return _join(graph, _JOINING[kind], values.operands(call.arguments))
    if kind in _OTHERS:
        return _OTHERS[kind](graph, values, call)
    raise Inexpressible(f"the operation {kind} is not known")


_JOINING = {
    "Add": "Add",
    "Average": "Mean",
    "Divide": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
    "Multiply": "Mul",
    "Subtract": "Sub",
    "TrueDivide": "Div",
}
"""Element by element: layers, and the operators of Keras's tensors."""
_OF_MANY = ("Mean", "Max", "Min")


def _join(graph: NodeGraph, operator: str, operands: list[Value | float]) -> str:
    ranks = {len(each.shape) for each in operands if isinstance(each, Value)}
    if len(ranks) != 1:
        raise Inexpressible("values of different ranks are computed with each other")
    names = [each.name if isinstance(each, Value) else graph.constant(each) for each in operands]
    if operator in _OF_MANY:
        return graph.node(operator, *names)
    first, *others = names
    for other in others:
        first = graph.node(operator, first, other)
    return first


def _concatenate(graph: NodeGraph, values: Values, call: Call) -> str:
    parts = [each for each in values.operands((call.arguments[0],)) if isinstance(each, Value)]
    return graph.node("Concat", *(part.name for part in parts), axis=parts[0].place(call.operation.axis))


def _stack(graph: NodeGraph, values: Values, call: Call) -> str:
    parts = [each for each in values.operands((call.arguments[0],)) if isinstance(each, Value)]
    if len(call.result.shape) > 3:  # noqa: PLR2004 - from there on values lie otherwise than in Keras
        raise Inexpressible("maps are stacked")
    axis = call.operation.axis % len(call.result.shape)
    axes = graph.constant([axis], dtype=np.int64)
    return graph.node("Concat", *(graph.node("Unsqueeze", part.name, axes) for part in parts), axis=axis)


def _mean(graph: NodeGraph, values: Values, call: Call) -> str:
    value, operation = values.get(call.arguments[0]), call.operation
    axes = operation.axis if isinstance(operation.axis, list | tuple) else (operation.axis,)
    places = sorted(value.place(axis) for axis in axes)
    if value.is_map and not operation.keepdims and places != [2, 3]:
        raise Inexpressible(f"the mean of a map along axes {list(axes)} is not known")
    return graph.node("ReduceMean", value.name, axes=places, keepdims=int(operation.keepdims))


def _part(graph: NodeGraph, values: Values, call: Call) -> str:
    value = values.get(call.arguments[0])
    return _sliced(graph, value, {value.place(axis): each for axis, each in parts_of(call).items()})


def _sliced(graph: NodeGraph, value: Value, parts: Mapping[int, slice]) -> str:
    if not parts:
        return value.name
    steps = [1 if part.step is None else part.step for part in parts.values()]
    far = 2**31
    starts = [
        (0 if step > 0 else far) if part.start is None else part.start
        for part, step in zip(parts.values(), steps, strict=True)
    ]
    ends = [
        (far if step > 0 else -far) if part.stop is None else part.stop
        for part, step in zip(parts.values(), steps, strict=True)
    ]
    bounds = (starts, ends, list(parts), steps)
    return graph.node("Slice", value.name, *(graph.constant(each, dtype=np.int64) for each in bounds))


_OTHERS: Mapping[str, Callable[[NodeGraph, Values, Call], str]] = MappingProxyType(
    {"Concatenate": _concatenate, "Flip": _part, "GetItem": _part, "Mean": _mean, "Stack": _stack}
)
