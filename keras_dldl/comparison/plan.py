"""What is compared: settings that all share, settings that vary, seeds, and runs made before."""

import dataclasses
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_dldl.arguments import check_choice, did_you_mean
from keras_dldl.comparison.naming import check_distinct, variant_name
from keras_dldl.configs import PLANS, find_config
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.settings import read_yaml

SPLITS = ("test", "val")
KEYS = (
    "data", "test_data", "leave_one_out", "split", "settings", "seeds", "grid", "groups", "runs",
    "baseline",
)  # fmt: skip
GROUP_KEYS = ("name", "settings", "grid", "seeds")


@dataclass(frozen=True)
class Variant:
    """One row of the table: settings, and the seeds they are trained with.

    Attributes:
        name: unique in the plan.
        config: the settings; its seed means nothing.
        seeds: in ascending order.
        folders: runs made before, by seed, where this variant is read and not trained.
    """

    name: str
    config: TrainConfig
    seeds: tuple[int, ...]
    folders: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A comparison, complete.

    Attributes:
        base: settings that all variants share, unless they say otherwise.
        variants: the rows of the table, at least one.
        baseline: name of the variant that the others are compared with.
        split: the faces that are predicted: "test" or "val".
        test_data: prepared folders whose faces are predicted; empty: those of the training.
        leave_one_out: leave each folder of the data out of training in turn, and measure on it.
    """

    base: TrainConfig
    variants: tuple[Variant, ...]
    baseline: str
    split: str = "test"
    test_data: tuple[str, ...] = ()
    leave_one_out: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Plan":
        """Return the plan that a mapping describes, see docs/comparison.md.

        Raises:
            ConfigError: an unknown key, method or setting, a wrong value, or nothing to compare.
        """
        _check_keys(values, KEYS, "plan")
        base = TrainConfig().updated(_mapping(values, "settings"))
        if values.get("data"):
            base = base.updated({"data": values["data"]})
        variants = _variants(base, values) + _given(_mapping(values, "runs"))
        if not variants:
            raise ConfigError(
                "A comparison needs something to compare: `grid`, `groups` or `runs` in the plan, "
                "or --methods, --grid or --run. Received: none."
            )
        check_distinct([variant.name for variant in variants])
        names = [variant.name for variant in variants]
        return cls(
            base, tuple(variants), _baseline(values, names), _split(values),
            test_data=TrainConfig(data=values.get("test_data") or ()).data,
            leave_one_out=_switch(values, "leave_one_out"),
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Plan":
        """Return the plan in a YAML file, or the shipped one of this name."""
        return cls.from_dict(read_yaml(find_config(path, PLANS)))

    def variant(self, name: str) -> Variant:
        """Return the variant of this name."""
        return next(variant for variant in self.variants if variant.name == name)


def _variants(base: TrainConfig, values: Mapping[str, Any]) -> list[Variant]:
    """Return the variants to train; the same settings in two groups are one, with all seeds."""
    groups = [{"grid": _mapping(values, "grid")}] if values.get("grid") else []
    groups += _groups(values)
    found: dict[str, Variant] = {}
    for group in groups:
        seeds = _seeds(group.get("seeds", values.get("seeds", 1)))
        for changes in _combinations(group):
            variant = _variant(base, changes, seeds, group.get("name"))
            before = found.get(variant.name, variant)
            if before.config != variant.config:
                raise ConfigError(
                    "Variants of other settings must have other names. "
                    f"Received: name={variant.name!r} twice."
                )
            every = tuple(sorted({*before.seeds, *seeds}))
            found[variant.name] = dataclasses.replace(before, seeds=every)
    return list(found.values())


def _variant(
    base: TrainConfig, changes: Mapping[str, Any], seeds: tuple[int, ...], name: str | None
) -> Variant:
    from keras_dldl.methods import find_method

    if "seed" in changes or "data" in changes:
        raise ConfigError(
            "Seeds and data are no settings to vary: `seeds` says how many or which; all are "
            "trained on one data set, and `leave_one_out` leaves out each folder in turn. "
            f"Received: {', '.join(map(str, changes))}."
        )
    config = base.updated(changes)
    find_method(config.method)
    return Variant(name or variant_name(base, config), config, seeds)


def _groups(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    groups = values.get("groups") or []
    if not isinstance(groups, Sequence) or not all(isinstance(one, Mapping) for one in groups):
        raise ConfigError(
            f"`groups` must be a list of mappings, each with {', '.join(GROUP_KEYS)}. "
            f"Received: groups={groups!r}."
        )
    for group in groups:
        _check_keys(group, GROUP_KEYS, "group")
        if group.get("name") and group.get("grid"):
            raise ConfigError(
                "A name is for a group of one variant, without a grid; those of a grid are named "
                f"by their settings. Received: name={group['name']!r}."
            )
    return list(groups)


def _combinations(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the settings of each variant of a group: those of all, and each of the grid's."""
    grid = _mapping(group, "grid")
    for key, choices in grid.items():
        if not isinstance(choices, (list, tuple)) or not choices:
            raise ConfigError(
                "A grid names the values of each setting as a list of at least one. "
                f"Received: {key}={choices!r}."
            )
    shared = _mapping(group, "settings")
    return [
        shared | dict(zip(grid, chosen, strict=True))
        for chosen in itertools.product(*grid.values())
    ]


def _given(runs: Mapping[str, Any]) -> list[Variant]:
    """Return the variants of run folders made before, by name."""
    from keras_dldl.comparison.given import read_given

    return [Variant(name, *read_given(name, folders)) for name, folders in runs.items()]


def _seeds(value: Any) -> tuple[int, ...]:
    """Return the seeds that a number of them, or a list, means.

    >>> _seeds(3), _seeds([4, 1])
    ((0, 1, 2), (1, 4))
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return tuple(range(value))
    if isinstance(value, (list, tuple)) and value:
        return tuple(sorted({TrainConfig(seed=seed).seed for seed in value}))
    raise ConfigError(
        f"`seeds` must be how many, at least 1, or a list of seeds. Received: seeds={value!r}."
    )


def _baseline(values: Mapping[str, Any], names: Sequence[str]) -> str:
    name = values.get("baseline")
    if name is None:
        return "dldl-v2" if "dldl-v2" in names else names[0]
    return check_choice("baseline", name, names)


def _split(values: Mapping[str, Any]) -> str:
    return check_choice("split", values.get("split") or SPLITS[0], SPLITS)


def _switch(values: Mapping[str, Any], key: str) -> bool:
    value = values.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError(f"`{key}` must be true or false. Received: {key}={value!r}.")
    return value


def _mapping(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = values.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError(f"`{key}` must be a mapping. Received: {key}={value!r}.")
    return dict(value or {})


def _check_keys(values: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for key in values:
        if key not in known:
            raise ConfigError(
                f"A {what} has the keys {', '.join(known)}.{did_you_mean(key, known)} "
                f"Received: {key!r}."
            )
