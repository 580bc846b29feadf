"""The modules of a Torch7 network: in one chain, their fields checked as they are taken."""

import math
from typing import Any, NoReturn

import numpy as np

from keras_dldl.errors import ModelFileError
from keras_dldl.importing.t7_file import TorchObject

MAX_MODULES = 1000
# Of both libraries: `nn`, and `cudnn`, whose modules have the same fields.
CONTAINERS = {"nn.Sequential", "nn.DataParallelTable"}
LAYERS = {
    "SpatialConvolution", "SpatialConvolutionMM", "SpatialBatchNormalization", "ReLU",
    "SpatialMaxPooling", "SpatialAveragePooling", "View", "Reshape", "Linear", "Dropout",
    "Identity", "SoftMax", "LogSoftMax", "Sigmoid", "Tanh", "ConcatTable", "ExpOut",
}  # fmt: skip
CLASSES = CONTAINERS | {f"{library}.{name}" for library in ("nn", "cudnn") for name in LAYERS}


class Module:
    """One module.

    Args:
        made: what the file holds.
        place: its place in the network, for messages.

    Attributes:
        library, name: the two halves of its class, such as "nn" and "Linear".
        values: its fields, unchecked.
    """

    def __init__(self, made: TorchObject, place: str):
        self.library, _, self.name = made.class_name.partition(".")
        self.values = made.fields
        self.place = place

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.values.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, float | int):
            self.fail(f"`{name}` must be a number", value)
        if not math.isfinite(value):
            self.fail(f"`{name}` must be finite", value)
        return float(value)

    def integer(self, name: str, default: int | None = None, minimum: int = 0) -> int:
        """Return a whole number, from `minimum` up."""
        value = self.number(name, default)
        if value != int(value) or not minimum <= value <= 2**31:
            self.fail(f"`{name}` must be a whole number, {minimum} or more", value)
        return int(value)

    def side(self, stem: str, default: int | None = None, minimum: int = 0) -> int:
        """Return `stem`H and `stem`W, which must be the same."""
        pair = [self.integer(f"{stem}{axis}", default, minimum) for axis in "HW"]
        if pair[0] != pair[1]:
            self.fail(f"`{stem}H` and `{stem}W` must be the same", pair)
        return pair[0]

    def must_be(self, wanted: int, name: str, value: int) -> None:
        """Raise the error that a field has another value, if it has."""
        if value != wanted:
            self.fail(f"`{name}` must be {wanted}", value)

    def flag(self, name: str, default: bool) -> bool:
        """Return True or False; Lua's nil is the default."""
        value = self.values.get(name)
        value = default if value is None else value
        if not isinstance(value, bool):
            self.fail(f"`{name}` must be true or false", value)
        return value

    def has(self, name: str) -> bool:
        """Return whether there is a tensor of this name with elements in it."""
        value = self.values.get(name)
        return isinstance(value, np.ndarray) and value.size > 0

    def tensor(self, name: str, *shapes: tuple[int, ...]) -> np.ndarray:
        """Return a tensor of real, finite numbers, float64, in the first of `shapes`.

        Args:
            name: the field.
            *shapes: shapes it may have in the file; all of one number of elements.
        """
        value = self.values.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            self.fail(f"`{name}` must be a tensor of shape {shapes[0]}", value)
        if value.shape not in shapes:
            self.fail(f"`{name}` must have shape {shapes[0]}", value.shape)
        with np.errstate(invalid="ignore"):
            numbers = value.astype(np.float64).reshape(shapes[0])
        if not np.isfinite(numbers).all():
            self.fail(f"`{name}` must hold finite numbers", "NaN or infinity in it")
        return numbers

    def linear(self, inputs: int) -> tuple[np.ndarray, np.ndarray]:
        """Return kernel (in, out) and bias (out,) of an nn.Linear; 0 where it has no bias."""
        weight = self.values.get("weight")
        if not isinstance(weight, np.ndarray) or weight.ndim != 2:
            self.fail("`weight` must be a matrix", weight)
        outputs = weight.shape[0]
        kernel = self.tensor("weight", (outputs, inputs)).T
        bias = self.tensor("bias", (outputs,)) if self.has("bias") else np.zeros(outputs)
        return kernel, bias

    def single(self, array: np.ndarray) -> np.ndarray:
        """Return weights in single precision, once they fit."""
        with np.errstate(over="ignore"):
            single = array.astype(np.float32)
        if not np.isfinite(single).all():
            self.fail("its weights must fit into float32", "larger numbers")
        return single

    def modules(self) -> list["Module"]:
        """Return the modules of a container, in order."""
        table = self.values.get("modules")
        if not isinstance(table, dict) or set(table) != set(range(1, len(table) + 1)):
            self.fail("`modules` must be a list", table)
        for made in table.values():
            if not isinstance(made, TorchObject):
                self.fail("`modules` must hold modules", made)
        return [Module(table[k], f"{self.place}, module {k}") for k in range(1, len(table) + 1)]

    def fail(self, allowed: str, received: Any) -> NoReturn:
        """Raise the error that a field is not as it must be."""
        raise ModelFileError(
            f"In the Torch7 network, {self.place} ({self}): {allowed}. Received: {shown(received)}"
        )

    def __str__(self) -> str:
        return f"{self.library}.{self.name}"


def chain_of(network: object) -> list[Module]:
    """Return the modules of a network in the order in which they are applied.

    `nn.Identity` is left out, and nested `nn.Sequential` are opened.
    """
    if not isinstance(network, TorchObject) or network.class_name not in CONTAINERS:
        keys = network if isinstance(network, dict) else {}
        names = ", ".join(sorted(str(key)[:40] for key in list(keys)[:8]))
        raise ModelFileError(
            "A Torch7 file must hold one network, an nn.Sequential. "
            f"Received: {shown(network)}" + (f" with the keys {names}" if names else "")
        )
    chain: list[Module] = []
    visited = 0
    # A stack and not recursion: the same module may stand in many places, each inside the other.
    waiting = [Module(network, "the network")]
    while waiting:
        module = waiting.pop()
        visited += 1
        if visited > MAX_MODULES:
            raise ModelFileError(
                f"A Torch7 network may have {MAX_MODULES} modules. Received: more, in "
                f"{module.place}"
            )
        if str(module) in CONTAINERS:
            # A DataParallelTable holds a copy of one network for each device.
            count = 1 if module.name == "DataParallelTable" else None
            waiting += reversed(module.modules()[:count])
        elif module.name != "Identity":
            chain.append(module)
    return chain


def shown(value: Any) -> str:
    """Return a short text for a value of a file.

    >>> shown({1: 2.0}), shown(None), shown(0.5)
    ('a table', 'nothing', '0.5')
    """
    if value is None:
        return "nothing"
    if isinstance(value, TorchObject):
        return value.class_name
    if isinstance(value, np.ndarray):
        return f"a tensor of shape {value.shape}, {value.dtype}"
    if isinstance(value, dict):
        return "a table"
    return str(value)[:100]
