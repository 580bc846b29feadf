"""Reads Torch7's binary files, without trusting them.

The format is Torch7's own (`torch.save`, "binary"): a tag, then the value, depth first; tables and
objects are numbered, and a number seen before stands for the same object again.

The package `torchfile` reads it too, but takes sizes, strides and offsets as they stand in the
file: a tensor may reach past its storage, and then the process's own memory, or nothing at all, is
read. Here every count is held against the bytes that are there, so that no file makes a process
read or reserve more than the file itself; tensors are views of it. Functions, which Torch7 would
load as bytecode, and classes nobody asked for are refused.
"""

import math
import mmap
import os
import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from keras_dldl.errors import ModelFileError

_NIL, _NUMBER, _TEXT, _TABLE, _OBJECT, _BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)

# A network of some hundred layers has a few thousand values, nested some ten deep.
MAX_VALUES = 200_000
MAX_DEPTH = 64
MAX_TEXT = 2**16
MAX_DIMENSIONS = 8

_KINDS = {
    "Byte": "<u1", "Char": "<i1", "Short": "<i2", "Int": "<i4", "Long": "<i8",
    "Half": "<f2", "Float": "<f4", "Double": "<f8",
}  # fmt: skip
_DTYPES = {name: np.dtype(code) for name, code in _KINDS.items()}
_EMPTY = {dtype: np.empty(0, dtype) for dtype in _DTYPES.values()}
_DTYPES |= {f"Cuda{name}": dtype for name, dtype in _DTYPES.items()} | {"Cuda": np.dtype("<f4")}


@dataclass(frozen=True)
class TorchObject:
    """An object of a class of Torch7's: its class, the class's version, its fields."""

    class_name: str
    version: int
    fields: dict[Any, Any]


def read_t7(path: str | os.PathLike, classes: Collection[str]) -> Any:
    """Return what a Torch7 file holds.

    Args:
        path: the file.
        classes: the classes that it may hold besides tensors and storages.

    Returns:
        None, a bool, a float, text, a dictionary (a table; whole numbers among its keys are int),
        a `TorchObject`, or a read-only NumPy array (a tensor or a storage), a view of the file.

    Raises:
        ModelFileError: the file is malformed, cut short, not binary; it holds a function, another
            class, or an object that contains itself; or it is nested too deep.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    return _Reader(os.fspath(path), content, classes).whole()


class _Reader:
    def __init__(self, path: str, content: Any, classes: Collection[str]):
        self.path = path
        self.content = content
        self.size = len(content)
        self.place = 0
        self.classes = classes
        self.values = 0
        self.known: dict[int, tuple[int, Any]] = {}

    def whole(self) -> Any:
        if self.content[:2] in (b"4\n", b"3\n"):
            self._fail("it is in Torch7's text form; save it in the binary one")
        value = self._value(0)
        if self.place != self.size:
            self._fail(f"{self.size - self.place} bytes follow its end")
        return value

    def _value(self, depth: int) -> Any:
        self.values += 1
        if depth > MAX_DEPTH or self.values > MAX_VALUES:
            limit = f"{MAX_DEPTH} deep" if depth > MAX_DEPTH else f"{MAX_VALUES} values"
            self._fail(f"it goes beyond {limit}")
        tag = self._number("<i")
        if tag == _NIL:
            return None
        if tag == _NUMBER:
            return self._number("<d")
        if tag == _BOOLEAN:
            return self._boolean()
        if tag == _TEXT:
            return self._text()
        if tag in (_TABLE, _OBJECT):
            return self._numbered(tag, depth)
        if tag in _FUNCTIONS:
            self._fail("it holds a function, which is never run")
        self._fail(f"there is no kind of value {tag}")

    def _numbered(self, tag: int, depth: int) -> Any:
        """Return a table or an object: a new one, or the one that had this number before."""
        number = self._number("<i")
        if number not in self.known:
            self.known[number] = (tag, self)  # stands for "not finished"
            value = self._table(depth) if tag == _TABLE else self._object(depth)
            self.known[number] = (tag, value)
            return value
        known_tag, value = self.known[number]
        if value is self:
            self._fail("an object contains itself")
        if known_tag != tag:
            self._fail(f"value {number} is a table in one place and an object in another")
        return value

    def _table(self, depth: int) -> dict[Any, Any]:
        # A pair takes 8 bytes at least.
        count = self._count("<i", 8, "pairs of a table")
        table = {}
        for _ in range(count):
            key = self._value(depth + 1)
            if isinstance(key, float) and key.is_integer():
                key = int(key)
            if not isinstance(key, (str, int, float)) or key != key or key in table:
                self._fail(f"a table has the key {_short(key)}, or has it twice")
            table[key] = self._value(depth + 1)
        return table

    def _object(self, depth: int) -> Any:
        version, name = 0, self._text()
        if name.startswith("V "):  # files of before 2012 have no version
            if not name[2:].isdigit() or len(name) > 6:
                self._fail(f"a class has the version {_short(name)}")
            version, name = int(name[2:]), self._text()
        for kind, read in (("Tensor", self._tensor), ("Storage", self._storage)):
            element = name.removeprefix("torch.").removesuffix(kind)
            if name == f"torch.{element}{kind}" and element in _DTYPES:
                return read(_DTYPES[element], depth)
        if name not in self.classes:
            self._fail(f"it holds an object of the class {_short(name)}, which is not known here")
        fields = self._value(depth + 1)
        if not isinstance(fields, dict):
            self._fail(f"the fields of {name} are no table")
        return TorchObject(name, version, fields)

    def _storage(self, dtype: np.dtype, depth: int) -> np.ndarray:
        count = self._count("<q", dtype.itemsize, "elements of a storage")
        start = self._skip(count * dtype.itemsize)
        return _view(self.content, dtype, start, (count,), (dtype.itemsize,))

    def _tensor(self, dtype: np.dtype, depth: int) -> np.ndarray:
        dimensions = self._number("<i")
        if not 0 <= dimensions <= MAX_DIMENSIONS:
            self._fail(f"a tensor has {dimensions} dimensions")
        shape = [self._number("<q") for _ in range(dimensions)]
        strides = [self._number("<q") for _ in range(dimensions)]
        first = self._number("<q") - 1  # Lua counts from 1
        storage = self._value(depth + 1)
        if storage is None or not dimensions:
            return _EMPTY[dtype]
        if not isinstance(storage, np.ndarray) or storage.ndim != 1 or storage.dtype != dtype:
            self._fail("a tensor's storage is of another kind")
        if first < 0 or min(shape) < 1 or min(strides) < 0:
            self._fail(f"a tensor has shape {shape}, strides {strides}, offset {first}")
        last = first + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        # A stride of 0 repeats elements: a few bytes could stand for a tensor of any size.
        if last >= len(storage) or math.prod(shape) > len(storage):
            self._fail(
                f"a tensor of shape {shape}, strides {strides} and offset {first} is more than "
                f"its storage of {len(storage)} elements"
            )
        size = dtype.itemsize
        return _view(storage, dtype, first * size, shape, [step * size for step in strides])

    def _boolean(self) -> bool:
        value = self._number("<i")
        if value not in (0, 1):
            self._fail(f"a boolean is {value}")
        return bool(value)

    def _text(self) -> str:
        count = self._count("<i", 1, "bytes of text")
        if count > MAX_TEXT:
            self._fail(f"a text has {count} bytes")
        start = self._skip(count)
        return bytes(self.content[start : start + count]).decode("utf-8", "backslashreplace")

    def _count(self, form: str, item_bytes: int, of_what: str) -> int:
        """Return a count, once as many items of at least `item_bytes` can be in what is left."""
        count = self._number(form)
        if not 0 <= count <= (self.size - self.place) // item_bytes:
            self._fail(f"it names {count} {of_what}, and {self.size - self.place} bytes are left")
        return count

    def _number(self, form: str) -> Any:
        start = self._skip(struct.calcsize(form))
        return struct.unpack_from(form, self.content, start)[0]

    def _skip(self, count: int) -> int:
        start = self.place
        if count > self.size - start:
            self._fail("it ends too early")
        self.place += count
        return start

    def _fail(self, why: str) -> NoReturn:
        raise ModelFileError(
            "A Torch7 file must be a network as `torch.save` writes it. "
            f"Received: {self.path}: {why} (byte {self.place} of {self.size})"
        )


def _view(buffer: Any, dtype: np.dtype, start: int, shape: Any, strides: Any) -> np.ndarray:
    # NumPy, too, checks that this stays within the buffer. An empty one it would not take.
    return np.ndarray(shape, dtype, buffer, start, strides) if 0 not in shape else _EMPTY[dtype]


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:56]} ..."
