"""Reading the YAML file of a run's settings, so that an error can name the line."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_dldl.errors import ConfigError


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
            f"The config file cannot be read: {' '.join(str(error).split())}. Allowed: a YAML file "
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
