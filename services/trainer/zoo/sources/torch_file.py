"""Reading the tensors of a PyTorch file in its legacy format, without PyTorch and without running what a file says.

Such a file is five pickles (a magic number, the version of the protocol, facts on the machine that wrote it, a
dictionary of tensors, the keys of the storages) and then the storages themselves: a count of numbers and the numbers.
A tensor names its storage, where in it it begins, and its strides. The strides matter: read as if it were contiguous,
a permuted kernel gives a network that saturates and looks almost sane.

Source: ``torch/serialization.py``, ``_legacy_save`` and ``_legacy_load``, of PyTorch 1.5.
"""

import io
import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_MAX_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class _Storage:
    """Where numbers lie in the file: their type, the key of the storage, how many it has."""

    dtype: np.dtype[Any]
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read every tensor of a file.

    Args:
        path: A dictionary of tensors, as ``torch.save(model.state_dict(), path)`` wrote it before PyTorch 1.6.

    Returns:
        Name to array, contiguous, ``float32`` or ``int64``.

    Raises:
        ValueError: If the file is anything else, names any class but those of tensors, or is cut short.
        OSError: If it cannot be read.
    """
    stream = io.BytesIO(path.read_bytes())
    try:
        if _load(stream) != _MAGIC or _load(stream) != _PROTOCOL:
            raise ValueError("is no PyTorch file of the legacy format")
        _check_machine(_load(stream))
        tensors, keys = _load(stream), _load(stream)
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"is no dictionary of tensors ({error})") from error
    if not isinstance(tensors, Mapping) or not all(isinstance(each, _Tensor) for each in tensors.values()):
        raise ValueError("is no dictionary of tensors")
    storages = _read_storages(stream, keys, {each.storage.key: each.storage for each in tensors.values()})
    return {str(name): _array_of(tensor, storages) for name, tensor in tensors.items()}


class _Unpickler(pickle.Unpickler):
    """Knows the few names that a dictionary of tensors needs; whatever else a pickle asks for is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name.

        Raises:
            UnpicklingError: If it is none of the known ones.
        """
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that a tensor names."""
        kind, dtype, key, _device, size, view = pid
        if kind != "storage" or view is not None or not isinstance(dtype, np.dtype) or int(size) < 0:
            raise pickle.UnpicklingError("it names a storage of an unknown kind")
        return _Storage(dtype, str(key), int(size))


def _rebuild(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_further: object
) -> _Tensor:
    """Stand for ``torch._utils._rebuild_tensor_v2``; whether a tensor is trained and its hooks do not matter here."""
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


def _load(stream: BinaryIO) -> Any:
    return _Unpickler(stream).load()


def _check_machine(facts: Any) -> None:
    if not isinstance(facts, Mapping) or facts.get("little_endian") is not True:
        raise ValueError("was written on a machine of another byte order")


def _read_storages(stream: BinaryIO, keys: Any, wanted: Mapping[str, _Storage]) -> dict[str, NDArray[Any]]:
    """Read the storages, which follow one another in the order of the keys."""
    if not isinstance(keys, list) or set(map(str, keys)) != set(wanted) or len(keys) != len(wanted):
        raise ValueError("lists other storages than its tensors name")
    storages = {}
    for key in map(str, keys):
        count = stream.read(8)
        if len(count) < 8 or struct.unpack("<q", count)[0] != wanted[key].size:  # noqa: PLR2004 - bytes of a count
            raise ValueError(f"is cut short or damaged at storage {key}")
        data = stream.read(wanted[key].size * wanted[key].dtype.itemsize)
        if len(data) < wanted[key].size * wanted[key].dtype.itemsize:
            raise ValueError(f"is cut short at storage {key}")
        storages[key] = np.frombuffer(data, wanted[key].dtype)
    return storages


def _array_of(tensor: _Tensor, storages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Look at a storage through offset and strides, which must stay inside it, and copy what is seen."""
    storage = storages[tensor.storage.key]
    shape, strides = tensor.shape, tensor.strides
    is_sound = len(shape) == len(strides) <= _MAX_DIMENSIONS and min((*shape, *strides, tensor.offset)) >= 0
    if not is_sound:
        raise ValueError(f"has a tensor of shape {shape} with strides {strides}")
    last = tensor.offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if (0 not in shape and last >= len(storage)) or math.prod(shape) > len(storage):
        raise ValueError(f"has a tensor of shape {shape} that does not fit its storage of {len(storage)} numbers")
    bytes_strides = [stride * storage.itemsize for stride in strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], shape, bytes_strides, writeable=False)
    return np.array(view, order="C")
