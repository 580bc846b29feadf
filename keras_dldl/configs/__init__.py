"""Settings and plans that ship with the package: YAML files, known by their names."""

import os
from pathlib import Path

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.errors import ConfigError

ROOT = Path(__file__).parent
PLANS = ROOT / "plans"  # of `compare`
SUFFIX = ".yaml"


def names(folder: Path = ROOT) -> list[str]:
    """Return the names of the shipped configs, or of those in `PLANS`, sorted.

    >>> "chalearn15" in names()
    True
    """
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}"))


def find_config(name: str | os.PathLike, folder: Path = ROOT) -> Path:
    """Return the file that `name` means: a path, or the name of a shipped config in `folder`.

    A file of that name counts before a shipped config; so does anything with a folder or a suffix.

    Raises:
        ConfigError: it has neither, and no config of that name ships.
    """
    path = Path(name)
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    known = names(folder)
    if path.name not in known:
        raise ConfigError(
            f"A config must be a YAML file, or a shipped one: {', '.join(known)}."
            f"{did_you_mean(path.name, known)} Received: {os.fspath(name)!r}"
        )
    return folder / f"{path.name}{SUFFIX}"
