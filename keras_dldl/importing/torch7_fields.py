"""The fields of a Torch7 module, each checked as it is taken."""

import math
from typing import Any, NoReturn

import numpy as np

from keras_dldl.errors import ModelFileError
from keras_dldl.importing.t7_file import TorchObject


class Fields:
    """A module's fields.

    Args:
        module: an `nn` or `cudnn` module, read from a file.
        place: where it stands in the network, for messages.
    """

    def __init__(self, module: TorchObject, place: str):
        self.module = module
        self.place = place

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.module.fields.get(name)
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

    def pair(self, stem: str, default: int | None = None, minimum: int = 0) -> tuple[int, int]:
        """Return `stem`H and `stem`W, in the order height, width."""
        return (
            self.integer(f"{stem}H", default, minimum),
            self.integer(f"{stem}W", default, minimum),
        )

    def flag(self, name: str, default: bool) -> bool:
        """Return True or False; Lua's nil is the default."""
        value = self.module.fields.get(name)
        value = default if value is None else value
        if not isinstance(value, bool):
            self.fail(f"`{name}` must be true or false", value)
        return value

    def has(self, name: str) -> bool:
        """Return whether there is a tensor of this name with elements in it."""
        value = self.module.fields.get(name)
        return isinstance(value, np.ndarray) and value.size > 0

    def tensor(self, name: str, *shapes: tuple[int, ...]) -> np.ndarray:
        """Return a tensor of real, finite numbers, float64, in the first of `shapes`.

        Args:
            name: the field.
            *shapes: shapes it may have in the file; all of one number of elements.
        """
        value = self.module.fields.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            self.fail(f"`{name}` must be a tensor of shape {shapes[0]}", value)
        if value.shape not in shapes:
            self.fail(f"`{name}` must have shape {shapes[0]}", value.shape)
        with np.errstate(invalid="ignore"):
            numbers = value.astype(np.float64).reshape(shapes[0])
        if not np.isfinite(numbers).all():
            self.fail(f"`{name}` must hold finite numbers", "NaN or infinity in it")
        return numbers

    def modules(self) -> list[TorchObject]:
        """Return the modules of a container, in order."""
        table = self.module.fields.get("modules")
        if not isinstance(table, dict) or set(table) != set(range(1, len(table) + 1)):
            self.fail("`modules` must be a list", table)
        modules = [table[k] for k in range(1, len(table) + 1)]
        for module in modules:
            if not isinstance(module, TorchObject):
                self.fail("`modules` must hold modules", module)
        return modules

    def fail(self, allowed: str, received: Any) -> NoReturn:
        """Raise the error that a field is not as it must be."""
        raise ModelFileError(
            f"In the Torch7 network, {self.place}: {allowed}. Received: {shown(received)}"
        )


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
