"""Checks of constructor arguments: one function a kind, one wording of the error."""

import difflib
import math
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from typing import Any

from keras_dldl.errors import ConfigError


def check_number(
    name: str, value: Any, *, minimum: float = -math.inf, exclusive: bool = False
) -> float:
    """Return `value` as a float, or raise a ConfigError that calls it `name`.

    It must be a finite number, not a boolean or text, and not below `minimum`; with `exclusive`
    above it.

    >>> check_number("sigma", 2, minimum=0)
    2.0
    """
    allowed = "a finite number"
    if minimum > -math.inf:
        allowed += f" {'above' if exclusive else 'not below'} {minimum:g}"
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or number < minimum or (exclusive and number == minimum):
        raise ConfigError(
            f"`{name}` is not valid. It must be {allowed}. Received: {name}={value!r}"
        )
    return number


def check_integer(name: str, value: Any, minimum: int) -> int:
    """Return `value` as an int, or raise a ConfigError that calls it `name`.

    It must be a whole number, also NumPy's, not a boolean, a float or text, and not below
    `minimum`.

    >>> check_integer("batch_size", 32, minimum=1)
    32
    """
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or value < minimum:
        raise ConfigError(
            f"`{name}` is not valid. It must be a whole number, {minimum} or more. "
            f"Received: {name}={value!r}"
        )
    return int(value)


def check_choice(name: str, value: Any, allowed: Collection[str]) -> str:
    """Return `value` if it is one of `allowed`, else raise ConfigError.

    >>> check_choice("colour", "red", ("red", "blue"))
    'red'
    """
    if not isinstance(value, str) or value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ConfigError(
            f"`{name}` is not valid. It must be one of {choices}.{did_you_mean(value, allowed)} "
            f"Received: {name}={value!r}"
        )
    return value


def check_flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False, else raise ConfigError."""
    if not isinstance(value, bool):
        raise ConfigError(
            f"`{name}` is not valid. It must be True or False. Received: {name}={value!r}"
        )
    return value


def did_you_mean(name: Any, known: Iterable[str], least: float = 0.6) -> str:
    """Return a question after the nearest of `known`, with a space before it; "" if none is near.

    Upper and lower case are the same.

    Args:
        name: what was asked for.
        known: what there is.
        least: what a near name has in common with it, see `difflib.get_close_matches`.

    >>> did_you_mean("ranking_bce", ["dex", "ranking-bce", "ranking-l2"])
    ' Did you mean ranking-bce?'
    >>> did_you_mean("foo", ["dex", "er"]), did_you_mean("DEX", ["dex", "er"])
    ('', ' Did you mean dex?')
    """
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=least)
    return f" Did you mean {by_lower[near[0]]}?" if near else ""


def message_of(error: BaseException, most: int = 300) -> str:
    """Return what an error says, on one line of at most `most` letters; else its kind.

    >>> message_of(ValueError("not a\\n number")), message_of(MemoryError())
    ('not a number', 'MemoryError')
    """
    return " ".join(str(error).split())[:most] or type(error).__name__


def first_few(texts: Collection[str], most: int = 5, divider: str = ", ") -> str:
    """Return the first texts of a list, and how many more there are.

    >>> first_few(["a", "b", "c"], 2)
    'a, b and 1 more'
    >>> first_few(["line 2: x", "line 4: y", "line 7: z"], 1, "; ")
    'line 2: x; and 2 more'
    """
    shown, more = divider.join(list(texts)[:most]), len(texts) - most
    return f"{shown}{divider.rstrip(', ')} and {more:,} more" if more > 0 else shown
