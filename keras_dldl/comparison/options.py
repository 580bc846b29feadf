"""From the options of the command line to the mapping that a plan is made of."""

import os
from collections.abc import Sequence
from typing import Any

from keras_dldl.configs import PLANS, find_config
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import parse_assignments
from keras_dldl.training.settings import read_yaml


def plan_values(
    file: str | os.PathLike | None = None,
    *,
    data: Sequence[str] = (),
    methods: str | None = None,
    models: str | None = None,
    axes: Sequence[str] = (),
    seeds: int | None = None,
    assignments: Sequence[str] = (),
    runs: Sequence[str] = (),
    baseline: str | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Return the plan in `file`, changed by the options that were given.

    Raises:
        ConfigError: the file cannot be read, or an option is not of its form.

    >>> plan_values(methods="dex,er", axes=["sigma=1,2"])["grid"]
    {'method': ['dex', 'er'], 'sigma': [1, 2]}
    """
    values = read_yaml(find_config(file, PLANS)) if file is not None else {}
    named = {"data": list(data), "seeds": seeds, "baseline": baseline, "split": split}
    values |= {key: value for key, value in named.items() if value}
    if assignments:
        values["settings"] = {**(values.get("settings") or {}), **parse_assignments(assignments)}
    grid = {"method": _names("--methods", methods), "model": _names("--models", models)}
    grid = {key: names for key, names in grid.items() if names} | _axes(axes)
    if grid:
        values["grid"] = {**(values.get("grid") or {}), **grid}
    if runs:
        values["runs"] = {**(values.get("runs") or {}), **_runs(runs)}
    return values


def _names(option: str, text: str | None) -> list[str]:
    if text is None:
        return []
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(f"{option} takes names with commas between. Received: {text!r}.")
    return names


def _axes(texts: Sequence[str]) -> dict[str, list]:
    """Return the values of each "key=v1,v2", read as a list of YAML."""
    return parse_assignments([text.replace("=", "=[", 1) + "]" for text in texts])


def _runs(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if not equals or not name or not folder:
            raise ConfigError(f"A run is given as NAME=DIR. Received: {text!r}.")
        found.setdefault(name, []).append(folder)
    return found
