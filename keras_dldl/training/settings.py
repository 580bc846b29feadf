"""Settings of a run: of each its kind, its range and its check; the YAML file that holds them."""

import difflib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import did_you_mean, message_of
from keras_dldl.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """What a value of one setting may be.

    Attributes:
        kind: "text", "texts", "number", "integer", "count", "switch" or "mapping".
        help: one line on what the setting does.
        choices: the only values allowed, or empty.
        minimum: lowest number allowed, or None.
        above: numbers must be greater than this, or None.
        maximum: highest number allowed, or None.
        optional: whether null is allowed.
        option: name of the command's option, where it is not the setting's.
        metavar: what the help shows for the value, where it is not the kind.
    """

    kind: str
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    optional: bool = False
    option: str = ""
    metavar: str = ""

    def check(self, name: str, value: Any) -> Any:
        """Return `value` in the setting's own type, or raise `ConfigError`."""
        if value is None and self.optional:
            return None
        converted = _KINDS[self.kind][1](value)
        is_wrong = (
            converted is None
            or (self.choices and converted not in self.choices)
            or (self.minimum is not None and converted < self.minimum)
            or (self.above is not None and converted <= self.above)
            or (self.maximum is not None and converted > self.maximum)
        )
        if is_wrong:
            raise ConfigError(
                f"The setting `{name}` cannot have this value. Allowed: {self.allowed()}."
                f"{did_you_mean(value, self.choices)} "
                f"Received: {name}={value!r}."
            )
        return converted

    def allowed(self) -> str:
        """Return a text of what this setting takes."""
        text = ", ".join(f'"{choice}"' for choice in self.choices) or _KINDS[self.kind][0]
        bounds = (
            ("at least", self.minimum),
            ("greater than", self.above),
            ("at most", self.maximum),
        )
        text += "".join(f", {word} {bound:.12g}" for word, bound in bounds if bound is not None)
        return text + (", or null" if self.optional else "")


def setting(kind: str, default: Any, help: str, **limits: Any) -> Any:
    """Return a dataclass field that carries a `Setting`."""
    metadata = {"setting": Setting(kind, help, **limits)}
    if kind == "mapping":
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def setting_of(dataclass_field: Field) -> Setting:
    """Return the `Setting` of a field made by `setting`."""
    return dataclass_field.metadata["setting"]


def check_known(keys: Iterable[str], known: Iterable[str], prefix: str = "") -> None:
    """Raise `ConfigError` for the first of `keys` that is not in `known`, with near matches."""
    known = list(known)
    for key in keys:
        if key in known:
            continue
        near = difflib.get_close_matches(str(key), known, n=3, cutoff=0.5)
        listed = ", ".join(f"`{prefix}{name}`" for name in near or known)
        hint = f"Did you mean {listed}?" if near else f"The settings are {listed}."
        raise ConfigError(f"There is no setting `{prefix}{key}`. {hint} Received: {prefix}{key}.")


@dataclass(frozen=True)
class ConfigFile:
    """The settings in a YAML file.

    Attributes:
        path: the file.
        values: the settings by name.
        lines: the line on which each begins, from 1; those of a mapping as "augment.rotation".
    """

    path: str
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    @contextmanager
    def line_of(self, name: str) -> Iterator[None]:
        """Have every ConfigError of the block begin with the place of the setting `name`."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(f"{self.path}, line {self.lines[name]}: {error}") from error


def read_config_file(path: str | os.PathLike) -> ConfigFile:
    """Read a YAML file of `name: value` lines.

    Raises:
        ConfigError: the file is missing, is not YAML, holds no mapping, or a name twice.
    """
    import yaml

    place = os.fspath(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
        node, values = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"The config file cannot be read: {message_of(error, 1000)}. Allowed: a YAML file "
            f"of `name: value` lines. Received: {place}."
        ) from error
    if values is None:
        return ConfigFile(place, {}, {})
    if not isinstance(values, dict):
        raise ConfigError(
            "The config file must hold a mapping, one `name: value` a line. "
            f"Received: {place}, which holds a {type(values).__name__}."
        )
    return ConfigFile(place, values, dict(_lines(node, place)))


def _lines(node: Any, place: str, prefix: str = "") -> Iterator[tuple[str, int]]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        name, line = prefix + str(key.value), key.start_mark.line + 1
        if name in seen:
            # YAML would silently take the last.
            raise ConfigError(
                f"{place}, line {line}: The setting `{name}` stands there twice. Allowed: once. "
                f"Received: {name} on lines {seen[name]} and {line}."
            )
        seen[name] = line
        yield name, line
        if value.id == "mapping":
            yield from _lines(value, place, f"{name}.")


def read_yaml(path: str | os.PathLike) -> dict[str, Any]:
    """Return the mapping in a YAML file; see `read_config_file`."""
    return dict(read_config_file(path).values)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> tuple[str, ...] | None:
    values = [value] if isinstance(value, str) else value
    is_list = isinstance(values, (list, tuple)) and all(_text(item) for item in values)
    return tuple(values) if is_list else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        # YAML reads 1e-3, which has no dot, as text.
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _count(value: Any) -> int | str | None:
    number = _integer(value)
    return "auto" if value == "auto" else number if number is None or number >= 1 else None


# Of each kind of setting: a text of what it takes, and the function that converts a value, or None.
_KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "text": ("text", _text),
    "texts": ("a list of texts", _texts),
    "number": ("a number", _number),
    "integer": ("a whole number", _integer),
    "count": ('"auto", or a whole number from 1 up', _count),
    "switch": ("true or false", lambda value: value if isinstance(value, bool) else None),
    "mapping": (
        "a mapping of names to values",
        lambda value: dict(value) if isinstance(value, Mapping) else None,
    ),
}
