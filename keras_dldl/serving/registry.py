"""The models that a server has: names, versions, labels, and the files beside them."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.runtime import Network, open_network
from keras_dldl.saved_models import METRICS_FILE, SAVED_MODEL, find_model, versions_in

FIRST_VERSION = 1
CARD_FILE = "CARD.md"
# Columns of the manifest that say how the faces were come by, and nothing of the people.
NO_PEOPLE = {"split", "face", "database"}
BY_LABEL = "decade"


@dataclass(frozen=True)
class Servable:
    """One version of one model."""

    name: str
    version: int
    network: Network
    about: dict[str, Any] | None = None  # see `about_model`

    @cached_property
    def maps(self) -> Any:
        """Its `AttentionMaps`, or what a network of the user's own has as `maps`.

        Raises:
            ConfigError: it has none, which the message explains.
        """
        from keras_dldl.explain import AttentionMaps

        own = getattr(self.network, "maps", None)
        return own or AttentionMaps(self.network.face_model())

    def warm_up(self, max_batch: int) -> None:
        """Run it on small batches and the largest.

        So no client waits for compilation, and the memory is taken from the beginning.
        """
        side = self.network.card.input_size
        for count in (1, 2, max_batch):
            self.network.distributions(np.zeros((count, side, side, 3), np.float32), count)


@dataclass
class ModelTable:
    """The versions of each model, and the labels given to versions."""

    versions: dict[str, dict[int, Servable]] = field(default_factory=dict)
    labels: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(
        self, name: str, version: int, network: Network, about: dict[str, Any] | None = None
    ) -> None:
        """Add a version."""
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            raise ConfigError(
                "A model's name must be of letters, digits, dots, hyphens and underscores. "
                f"Received: {name!r}"
            )
        versions = self.versions.setdefault(name, {})
        if version in versions:
            raise ConfigError(
                "Each version of a model must be given once; a .keras file is version "
                f"{FIRST_VERSION}. Received: version {version} of {name} twice"
            )
        versions[version] = Servable(name, version, network.for_many(), about)

    def set_label(self, name: str, label: str, version: int) -> None:
        """Give a label to a version."""
        if version not in self.versions.get(name, {}) or not re.fullmatch(r"[^/:\s]+", label):
            raise ConfigError(
                "A label must be a word for a version that is served. "
                f"Received: {label!r} for version {version} of {name}"
            )
        self.labels.setdefault(name, {})[label] = version

    def latest(self, name: str) -> Servable | None:
        """Return the highest version of a model; None where there is no such model."""
        versions = self.versions.get(name)
        return versions[max(versions)] if versions else None

    def all(self) -> list[Servable]:
        """Return every version of every model."""
        return [versions[v] for versions in self.versions.values() for v in sorted(versions)]


def load_models(
    models: Sequence[str], labels: Sequence[str] = (), all_versions: bool = False
) -> ModelTable:
    """Load the models to serve.

    Args:
        models: `NAME=PATH` or `PATH`, whose name is then the model's task, "age" or
            "attractiveness". PATH is a `.keras` file, a run folder or a shipped model's name
            (version 1); a SavedModel `DIR/N` (version N); or its folder `DIR`, whose highest
            version is taken.
        labels: `NAME/LABEL=VERSION`, as `age/stable=3`.
        all_versions: of a folder `DIR` take all versions.

    Raises:
        ConfigError: a name, a label or a version is not as it must be.
        ModelFileError: there is no such model.

    >>> load_models(["small=nano-age"], labels=["small/stable=1"]).labels
    {'small': {'stable': 1}}
    """
    named, labelled = list(map(_name_and_path, models)), list(map(_label, labels))
    for _, path in named:  # all of them, before the first is loaded
        find_model(path)
    table = ModelTable()
    for name, path in named:
        for version, network in _networks(path, all_versions):
            table.add(name or network.card.grid.task, version, network, about_model(path))
    for label in labelled:
        table.set_label(*label)
    return table


def as_table(models: Any) -> ModelTable:
    """Return a table of what is given: a table, or names with `Network`s or `FaceModel`s.

    Raises:
        ConfigError: there is no model in it, or a name cannot stand in an address.
    """
    table = models if isinstance(models, ModelTable) else ModelTable()
    if table is not models:
        for name, model in dict(models).items():
            table.add(name, FIRST_VERSION, open_network(model))
    if not table.versions:
        raise ConfigError("A server must have a model at least. Received: no model")
    return table


def _name_and_path(given: str) -> tuple[str, str]:
    name, separator, path = given.partition("=")
    if not separator or os.path.exists(given):
        return "", given
    if not name or not path:
        raise ConfigError(f"A model must be given as NAME=PATH or PATH. Received: {given!r}")
    return name, path


def _label(given: str) -> tuple[str, str, int]:
    match = re.fullmatch(r"([^/=]+)/([^/=]+)=(\d+)", given)
    if not match:
        raise ConfigError(
            f"A label must be given as NAME/LABEL=VERSION, as age/stable=3. Received: {given!r}"
        )
    return match[1], match[2], int(match[3])


def _networks(path: str, all_versions: bool) -> list[tuple[int, Network]]:
    found = {} if (Path(path) / SAVED_MODEL).is_file() else versions_in(Path(path))
    if found:
        chosen = sorted(found) if all_versions else [max(found)]
        return [(version, open_network(found[version])) for version in chosen]
    network = open_network(path)
    number = os.path.basename(os.path.abspath(path)) if network.engine == "saved-model" else ""
    return [(int(number) if number.isdecimal() and int(number) else FIRST_VERSION, network)]


def about_model(path: str) -> dict[str, Any] | None:
    """Return what is beside a model's file: its report and its card.

    Args:
        path: a model's file, a run folder, or a shipped model's name.

    Returns:
        `name`; `mae`, its mean absolute error, and the number of `faces` it was measured on, or
        None; `groups`, a list of `name`, `faces` and `mae`, those by label first; and `card`,
        Markdown, or None. None where there is no such file.
    """
    try:
        found = find_model(path)
    except ModelFileError:
        return None
    if found.is_dir():  # a SavedModel, which has none
        return None
    folder = found.resolve().parent
    metrics = _metrics(folder / METRICS_FILE)
    card = folder / CARD_FILE
    by_column = metrics.get("groups") or {}
    columns = sorted(set(by_column) - NO_PEOPLE, key=lambda column: (column != BY_LABEL, column))
    groups = [
        {
            "name": f"{metrics.get('task', 'label') if column == BY_LABEL else column} {name}",
            "faces": group["n"],
            "mae": group["mae"],
        }
        for column in columns
        for name, group in by_column[column].items()
    ]
    return {
        "name": folder.name if found.stem == "model" else found.stem,
        "mae": metrics.get("mae"),
        "faces": metrics.get("n"),
        "groups": groups,
        "card": card.read_text(encoding="utf-8") if card.is_file() else None,
    }


def _metrics(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # a report that is missing or damaged stops no server
        return {}
