"""Settings that ship with the package: a YAML file a data set or a stage, known by its name."""

import os
from pathlib import Path

from keras_dldl.arguments import did_you_mean
from keras_dldl.errors import ConfigError

ROOT = Path(__file__).parent
SUFFIX = ".yaml"


def names() -> list[str]:
    """Return the names of the shipped configs, sorted.

    >>> "chalearn15" in names()
    True
    """
    return sorted(path.stem for path in ROOT.glob(f"*{SUFFIX}"))


def find_config(name: str | os.PathLike) -> Path:
    """Return the file that `name` means: a path, or the name of a shipped config.

    A file of that name counts before a shipped config; so does anything with a folder or a suffix.

    Raises:
        ConfigError: it has neither, and no config of that name ships.
    """
    path = Path(name)
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    if path.name not in names():
        raise ConfigError(
            f"A config must be a YAML file, or a shipped one: {', '.join(names())}."
            f"{did_you_mean(path.name, names())} Received: {os.fspath(name)!r}"
        )
    return ROOT / f"{path.name}{SUFFIX}"
