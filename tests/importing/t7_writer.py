"""Writes Torch7's binary format: what `torch.save` would write, from plain Python values.

A dictionary or a list is a table, a `Module` an object, a NumPy array a tensor; `Storage`,
`Function`, `Again` and `Raw` are what one has to ask for. Written from the format's definition, and
not from the reader that it tests.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NAMES = {"u1": "Byte", "i4": "Int", "i8": "Long", "f2": "Half", "f4": "Float", "f8": "Double"}


@dataclass
class Module:
    class_name: str
    fields: Any = field(default_factory=dict)
    version: int | None = 1


@dataclass
class Storage:
    values: np.ndarray


@dataclass
class Strided:
    """A tensor as the file names it: `first` counts from 1."""

    storage: Storage
    shape: tuple
    strides: tuple
    first: int = 1


@dataclass
class Function:
    code: bytes


@dataclass
class Again:
    """The same object, by its number."""

    tag: int
    number: int


@dataclass
class Raw:
    content: bytes


class Writer:
    def __init__(self, cuda: bool = False):
        self.content = bytearray()
        self.cuda = cuda
        self.numbers: dict[int, int] = {}
        self.alive: list = []

    def write(self, value: Any) -> "Writer":
        match value:
            case None:
                self.put("<i", 0)
            case bool():
                self.put("<ii", 5, value)
            case int() | float():
                self.put("<id", 1, value)
            case str():
                self.put("<i", 2)
                self.text(value)
            case Raw():
                self.content += value.content
            case Again():
                self.put("<ii", value.tag, value.number)
            case dict() | list():
                self.numbered(3, value, self.table)
            case Function():
                self.numbered(8, value, self.function)
            case _:
                self.numbered(4, value, self.object)
        return self

    def numbered(self, tag, value, write):
        self.put("<i", tag)
        seen = id(value) in self.numbers
        number = self.numbers.setdefault(id(value), len(self.numbers) + 1)
        self.alive.append(value)  # or its id could come again
        self.put("<i", number)
        if not seen:
            write(value)

    def table(self, value):
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value, 1))
        self.put("<i", len(pairs))
        for key, item in pairs:
            self.write(key)
            self.write(item)

    def function(self, value):
        self.put("<i", len(value.code))
        self.content += value.code
        self.write([])

    def object(self, value):
        match value:
            case Module():
                if value.version is not None:
                    self.text(f"V {value.version}")
                self.text(value.class_name)
                self.write(value.fields)
            case Storage():
                self.class_of(value.values, "Storage")
                self.put("<q", value.values.size)
                self.content += value.values.tobytes()
            case Strided():
                self.class_of(value.storage.values, "Tensor")
                self.put("<i", len(value.shape))
                for number in (*value.shape, *value.strides, value.first):
                    self.put("<q", number)
                self.write(value.storage)
            case np.ndarray():
                self.tensor(value)

    def tensor(self, value):
        self.class_of(value, "Tensor")
        value = np.ascontiguousarray(value)
        self.put("<i", value.ndim if value.size else 0)
        if value.size:
            for number in (*value.shape, *(s // value.itemsize for s in value.strides)):
                self.put("<q", number)
        self.put("<q", 1)
        self.write(Storage(value.reshape(-1)) if value.size else None)

    def class_of(self, values, kind):
        name = NAMES[values.dtype.str[1:]]
        if self.cuda:
            name = "Cuda" + ("" if name == "Float" else name)
        self.text("V 1")
        self.text(f"torch.{name}{kind}")

    def text(self, value):
        encoded = value.encode()
        self.put("<i", len(encoded))
        self.content += encoded

    def put(self, form, *numbers):
        self.content += struct.pack(form, *numbers)


def as_t7(value: Any, cuda: bool = False) -> bytes:
    """Return the file of `value`."""
    return bytes(Writer(cuda).write(value).content)
