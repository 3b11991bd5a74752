"""A TFLite graph as it grows, operator by operator; nothing here knows of Keras."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray

_SCHEMA_VERSION = 3
_FILE_IDENTIFIER = b"TFL3"
_ALIGNMENT_BYTES = 16
"""Of weights in the file: runtimes compute with them where they lie."""
_ROOM_BYTES = 2**20
"""For all that is no weight; more is found where it is needed."""
_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
}
_OPTIONS = {
    "ADD": schema.AddOptionsT,
    "AVERAGE_POOL_2D": schema.Pool2DOptionsT,
    "CONCATENATION": schema.ConcatenationOptionsT,
    "CONV_2D": schema.Conv2DOptionsT,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT,
    "DIV": schema.DivOptionsT,
    "FULLY_CONNECTED": schema.FullyConnectedOptionsT,
    "GELU": schema.GeluOptionsT,
    "MAXIMUM": schema.MaximumMinimumOptionsT,
    "MAX_POOL_2D": schema.Pool2DOptionsT,
    "MEAN": schema.ReducerOptionsT,
    "MINIMUM": schema.MaximumMinimumOptionsT,
    "MUL": schema.MulOptionsT,
    "PACK": schema.PackOptionsT,
    "PAD": schema.PadOptionsT,
    "REDUCE_MAX": schema.ReducerOptionsT,
    "RESHAPE": schema.ReshapeOptionsT,
    "SOFTMAX": schema.SoftmaxOptionsT,
    "STRIDED_SLICE": schema.StridedSliceOptionsT,
    "SUB": schema.SubOptionsT,
    "TRANSPOSE": schema.TransposeOptionsT,
}
"""Of operators that have any."""
_VERSIONS = {"DEQUANTIZE": 3, "CONV_2D": 6}
"""The first that reads half-precision weights, and groups; other operators are as in the first version of each."""


class Value(NamedTuple):
    """A value in the graph.

    Args:
        place: Where it stands among its tensors.
        shape: As Keras sees it, channels last, of one image: it begins with 1.
    """

    place: int
    shape: tuple[int, ...]


class _Buffer(schema.BufferT):  # type: ignore[misc]  # nothing is known of its types
    """Bytes in the file, aligned: the published class aligns numbers of four bytes at most."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name of the class above
        """Write them."""
        vector = None
        if self.data is not None:
            raw = self.data.tobytes()
            builder.StartVector(1, len(raw), _ALIGNMENT_BYTES)
            builder.head -= len(raw)
            builder.Bytes[builder.head : builder.head + len(raw)] = raw
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        packed: int = schema.BufferEnd(builder)
        return packed


class TFLiteGraph:
    """Operators and constants for one image at a time.

    Args:
        half: Whether weights are kept in half precision; computed is in float32 all the same.
    """

    def __init__(self, *, half: bool) -> None:
        self._half = half
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [_Buffer()]
        self._operators: list[Any] = []
        self._kinds: dict[str, int] = {}
        self._constants: dict[Hashable, Value] = {}
        self._producers: dict[int, Any] = {}

    def image(self, shape: Sequence[int]) -> Value:
        """Add what is given, ``(1, side_px, side_px, 3) float32``."""
        return self._tensor("image", shape, schema.TensorType.FLOAT32)

    def constant(self, values: ArrayLike, key: Hashable = None, *, dtype: type[np.generic] = np.float32) -> Value:
        """Add an array.

        Args:
            values: Its values.
            key: What is added under the same key is added once: weights that serve at several places.
            dtype: Its type.
        """
        if key is not None and key in self._constants:
            return self._constants[key]
        array = np.asarray(values, dtype)
        is_halved = self._half and array.ndim > 1 and array.dtype == np.float32
        found = self._kept(array.astype(np.float16) if is_halved else array)
        if is_halved:
            found = self.operator("DEQUANTIZE", [found], found.shape)
        if key is not None:
            self._constants[key] = found
        return found

    def operator(self, kind: str, inputs: Sequence[Value], shape: Sequence[int], **options: Any) -> Value:
        """Add an operator with one result and return that.

        Args:
            kind: As in the schema.
            inputs: See there.
            shape: Of the result.
            options: As in the schema.
        """
        result = self._tensor(f"{kind}_{len(self._operators)}", shape, schema.TensorType.FLOAT32)
        made = schema.OperatorT(
            opcodeIndex=self._kinds.setdefault(kind, len(self._kinds)),
            inputs=[each.place for each in inputs],
            outputs=[result.place],
        )
        if kind in _OPTIONS:
            made.builtinOptions = _OPTIONS[kind](**options)
            made.builtinOptionsType = getattr(schema.BuiltinOptions, _OPTIONS[kind].__name__.removesuffix("T"))
        self._operators.append(made)
        self._producers[result.place] = made
        return result

    def fuse(self, value: Value, function: int) -> bool:
        """Have the operator that gives a value apply a function to it; answer whether it can.

        Args:
            value: Read by nothing but that function.
            function: Of ``ActivationFunctionType``.
        """
        made = self._producers.get(value.place)
        options: Any = None if made is None else made.builtinOptions
        if getattr(options, "fusedActivationFunction", None) != schema.ActivationFunctionType.NONE:
            return False
        if isinstance(options, schema.ConcatenationOptionsT):
            return False
        options.fusedActivationFunction = function
        return True

    def write(self, path: Path, outputs: Mapping[str, Value], *, name: str) -> None:
        """Write the graph from ``image`` to its outputs, ``(1, width) float32`` each.

        Args:
            path: Where.
            outputs: By the names that they are given under.
            name: Of the network.

        Raises:
            OSError: If it cannot be written.
        """
        for given, value in outputs.items():
            self._tensors[value.place].name = given
        graph = schema.SubGraphT(
            tensors=self._tensors,
            inputs=[0],
            outputs=[value.place for value in outputs.values()],
            operators=self._operators,
            name=name,
        )
        codes = [self._code(kind) for kind in self._kinds]
        model = schema.ModelT(
            version=_SCHEMA_VERSION,
            operatorCodes=codes,
            subgraphs=[graph],
            description="convtailor",
            buffers=self._buffers,
        )
        weights_bytes = sum(each.data.nbytes for each in self._buffers if each.data is not None)
        builder = flatbuffers.Builder(weights_bytes + _ROOM_BYTES)
        builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
        with path.open("wb") as file:
            file.write(memoryview(builder.Bytes)[builder.Head() :])

    def _kept(self, array: NDArray[Any]) -> Value:
        kept = self._tensor(f"constant_{len(self._buffers)}", array.shape, _TYPES[array.dtype])
        self._tensors[kept.place].buffer = len(self._buffers)
        self._buffers.append(_Buffer(data=array))
        return kept

    def _tensor(self, name: str, shape: Sequence[int], kind: int) -> Value:
        whole = [int(each) for each in shape]
        self._tensors.append(schema.TensorT(shape=whole, type=kind, name=name, hasRank=True))
        return Value(len(self._tensors) - 1, tuple(whole))

    @staticmethod
    def _code(kind: str) -> Any:
        code = getattr(schema.BuiltinOperator, kind)
        old = min(code, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
        return schema.OperatorCodeT(deprecatedBuiltinCode=old, builtinCode=code, version=_VERSIONS.get(kind, 1))
