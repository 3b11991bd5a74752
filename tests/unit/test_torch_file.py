import io
import os
import pickle
import struct
import sys
import types
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from services.trainer.zoo.sources.torch_file import read_tensors

MAGIC = 0x1950A86A20F9469CFC6C
MACHINE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Tensor:
    """What the writer below makes a tensor of; sizes count numbers."""

    def __init__(self, key: str, numbers: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]):
        self.key, self.numbers, self.offset, self.shape, self.strides = key, numbers, offset, shape, strides


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    """The few names that PyTorch's own writer refers to."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for module, name in ((torch, "FloatStorage"), (torch, "LongStorage")):
        setattr(module, name, type(name, (), {"__module__": module.__name__}))
    exec("def _rebuild_tensor_v2(*parts): pass", utils.__dict__)
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    torch._utils = utils
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


class Writer(pickle.Pickler):
    """Pickles tensors as PyTorch did."""

    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        parts = (value, value.offset, value.shape, value.strides, False, OrderedDict())
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (_Storage(value), *parts[1:])

    def persistent_id(self, value):
        if not isinstance(value, _Storage):
            return None
        tensor = value.tensor
        name = "FloatStorage" if tensor.numbers.dtype == np.float32 else "LongStorage"
        return ("storage", getattr(sys.modules["torch"], name), tensor.key, "cpu", tensor.numbers.size, None)


class _Storage:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def written(tensors: dict[str, object], *, magic: int = MAGIC, machine: object = MACHINE) -> bytes:
    stream = io.BytesIO()
    for value in (magic, 1001, machine):
        pickle.dump(value, stream, protocol=2)
    Writer(stream, protocol=2).dump(OrderedDict(tensors))
    stored = {each.key: each.numbers for each in tensors.values() if isinstance(each, Tensor)}
    pickle.dump(sorted(stored), stream, protocol=2)
    for key in sorted(stored):
        stream.write(struct.pack("<q", stored[key].size) + stored[key].tobytes())
    return stream.getvalue()


COMPLAINTS = r"legacy format|dictionary of tensors|cut short|other storages|byte order"
NUMBERS = np.arange(24, dtype=np.float32)
PERMUTED = Tensor("7", NUMBERS, 0, (2, 3, 4), (1, 2, 6))


def read(tmp_path: Path, data: bytes):
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return read_tensors(path)


def test_a_permuted_tensor_is_read_by_its_strides_and_not_as_it_lies(tmp_path):
    tensors = read(tmp_path, written({"kernel": PERMUTED, "plain": Tensor("8", NUMBERS, 4, (2, 3), (3, 1))}))

    np.testing.assert_array_equal(tensors["kernel"], NUMBERS.reshape(4, 3, 2).transpose(2, 1, 0))
    np.testing.assert_array_equal(tensors["plain"], [[4, 5, 6], [7, 8, 9]])
    assert tensors["kernel"].flags.c_contiguous


def test_whole_numbers_and_scalars_keep_their_type_and_shape(tmp_path):
    tensors = read(tmp_path, written({"steps": Tensor("1", np.array([5], np.int64), 0, (), ())}))

    assert tensors["steps"].shape == ()
    assert tensors["steps"].dtype == np.int64
    assert tensors["steps"] == 5


class Greedy:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_file_that_asks_for_anything_else_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError, match=r"asks for (posix|nt)\.mkdir"):
        read(tmp_path, written({"kernel": PERMUTED, "more": Greedy()}))

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("7", NUMBERS, 20, (2, 3), (3, 1)),
        Tensor("7", NUMBERS, 0, (2, 3), (24, 1)),
        Tensor("7", NUMBERS, 0, (2, 3), (-3, 1)),
        Tensor("7", NUMBERS, 0, (1000, 1000), (0, 0)),
        Tensor("7", NUMBERS, 0, (2, 3), (3,)),
    ],
    ids=["offset too far", "stride too wide", "stride backwards", "one number a million times", "a stride too few"],
)
def test_a_tensor_that_leaves_its_storage_is_refused(tmp_path, tensor):
    with pytest.raises(ValueError, match="has a tensor of shape"):
        read(tmp_path, written({"kernel": tensor}))


def test_every_cut_is_noticed(tmp_path):
    whole = written({"kernel": PERMUTED})

    for length in range(0, len(whole), 7):
        with pytest.raises(
            ValueError, match=r"legacy format|dictionary of tensors|cut short|other storages|byte order"
        ):
            read(tmp_path, whole[:length])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (lambda: b"PK\x03\x04 the newer format is a zip", "no dictionary of tensors"),
        (lambda: written({"kernel": PERMUTED}, magic=7), "legacy format"),
        (lambda: written({"kernel": PERMUTED}, machine={"little_endian": False}), "byte order"),
        (lambda: written({"epoch": 5}), "no dictionary of tensors"),
    ],
)
def test_what_is_no_such_file_is_named_for_what_it_is(tmp_path, data, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(tmp_path, data())
