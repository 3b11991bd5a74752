"""The delivered network from behind its resize on, as a flat list of calls: what the writers of formats start from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.runtimes import LAST_LAYER

OUTPUTS = ("probabilities", "features")
"""Names under which files give what :attr:`SquaresModel.model` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation at one place of a network.

    Args:
        operation: A layer, or another operation of Keras; the same may be called at several places.
        arguments: What it is called with, tensors of the network among them.
        options: The same, by name.
        result: The tensor that it gives.
    """

    operation: Any
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    result: keras.KerasTensor


@dataclass(frozen=True, slots=True, kw_only=True)
class SquaresModel:
    """A network that takes squares.

    Args:
        model: ``(n, side_px, side_px, 3) float32`` RGB of 0 to 255 to a list: ``(n, num_classes)`` and, where the
            network has the last layer of ours, the features that this reads, ``(n, width)``; shares the weights of
            the network that it was made from.
        calls: Its operations in an order in which they can be computed; networks within it are taken apart.
        side_px: Side of the squares.
    """

    model: keras.Model
    calls: Sequence[Call]
    side_px: int


def parts_of(call: Call) -> dict[int, slice]:
    """Return what a call takes of a value, by axis, counted from 0; axes that stay whole are left out.

    Args:
        call: Of ``GetItem`` or ``Flip``.

    Raises:
        Inexpressible: If it takes single elements.
    """
    rank = len(call.arguments[0].shape)
    if type(call.operation).__name__ == "Flip":
        axis = call.operation.axis
        axes = axis if isinstance(axis, list | tuple) else (axis,)
        return {each % rank: slice(None, None, -1) for each in axes}
    key = call.arguments[1] if len(call.arguments) > 1 else call.options["key"]
    keys = key if isinstance(key, tuple) else (key,)
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys = (*keys[:at], *[slice(None)] * (rank - len(keys) + 1), *keys[at + 1 :])
    if not all(isinstance(each, slice) for each in keys):
        raise Inexpressible("single elements of a value are taken")
    return {axis: each for axis, each in enumerate(keys) if each != slice(None)}


def from_squares(model: keras.Model, side_px: int) -> SquaresModel:
    """Return a network without the resize to squares at its beginning, however it is built behind that.

    Args:
        model: Takes pictures of any size; left as it is, but that its layers are called once more.
        side_px: Side of the squares that it resizes them to.

    Raises:
        Inexpressible: If it resizes to other sizes too.
    """
    squares = keras.Input((side_px, side_px, 3), dtype="float32", name="image")
    calls: list[Call] = []

    def call(operation: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(operation, keras.layers.Resizing):
            return _unchanged(operation, arguments[0], side_px)
        if isinstance(operation, keras.Sequential):
            return _one_after_another(operation, arguments[0], call)
        if isinstance(operation, keras.Model):
            return _again(operation, arguments[0], call)
        result = operation(*arguments, **options)
        calls.append(Call(operation=operation, arguments=arguments, options=options, result=result))
        return result

    probabilities = _again(model, squares, call)
    features = [each.arguments[0] for each in calls if each.operation.name == LAST_LAYER]
    flat = keras.Model(squares, [probabilities, *features], name=model.name)
    return SquaresModel(model=flat, calls=calls, side_px=side_px)


def _again(model: keras.Model, inputs: Any, call: Any) -> Any:
    """Call every operation of a network on other inputs and return what comes out."""
    # What keras.models.clone_model does, which however makes a model of it: a network within another begins nowhere.
    return model._run_through_graph(inputs, operation_fn=lambda operation: operation, call_fn=call)  # noqa: SLF001


def _one_after_another(model: keras.Sequential, inputs: Any, call: Any) -> Any:
    values = inputs
    for layer in model.layers:
        values = call(layer, values)
    return values


def _unchanged(resizing: Any, values: keras.KerasTensor, side_px: int) -> keras.KerasTensor:
    if tuple(values.shape[1:3]) == (resizing.height, resizing.width):
        return values
    raise Inexpressible(
        f"the network resizes {values.shape[1]} × {values.shape[2]} to {resizing.height} × {resizing.width} pixels "
        f"behind the first resize, to {side_px} pixels"
    )
