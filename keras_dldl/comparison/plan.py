"""What is compared: settings that all share, settings that vary, seeds, runs made before; names."""

import dataclasses
import hashlib
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import check_choice, did_you_mean
from keras_dldl.configs import PLANS, find_config
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig, parse_assignments
from keras_dldl.training.run_folder import RunFolder
from keras_dldl.training.settings import read_yaml

SPLITS = ("test", "val")
KEYS = (
    "data", "test_data", "leave_one_out", "split", "settings", "seeds", "grid", "groups", "runs",
    "baseline",
)  # fmt: skip
GROUP_KEYS = ("name", "settings", "grid", "seeds")
# Whose value says enough, and short names of those that stand in tables often.
BARE = ("model",)
SHORT = {"expectation_weight": "lambda", "label_step": "step", "input_size": "size"}


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
        variants = _variants(base, values)
        variants += [_given(*run) for run in _mapping(values, "runs").items()]
        if not variants:
            raise ConfigError(
                "A comparison needs something to compare: `grid`, `groups` or `runs` in the plan, "
                "or --methods, --grid or --run. Received: none."
            )
        names = [variant.name for variant in variants]
        check_distinct(names)
        baseline = values.get("baseline")
        if baseline is None:
            baseline = "dldl-v2" if "dldl-v2" in names else names[0]
        leave_one_out = values.get("leave_one_out", False)
        if not isinstance(leave_one_out, bool):
            raise ConfigError(
                f"`leave_one_out` must be true or false. Received: leave_one_out={leave_one_out!r}."
            )
        return cls(
            base,
            tuple(variants),
            check_choice("baseline", baseline, names),
            check_choice("split", values.get("split") or SPLITS[0], SPLITS),
            test_data=TrainConfig(data=values.get("test_data") or ()).data,
            leave_one_out=leave_one_out,
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Plan":
        """Return the plan in a YAML file, or the shipped one of this name."""
        return cls.from_dict(plan_values(path))

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


def _given(name: str, folders: str | Sequence[str]) -> Variant:
    """Return the variant of run folders made before, which differ in nothing but the seed."""
    folders = [folders] if isinstance(folders, (str, os.PathLike)) else folders
    if not isinstance(folders, (list, tuple)) or not folders:
        raise ConfigError(
            f"`runs` names a run folder, or a list of them. Received: {name}: {folders!r}."
        )
    by_seed: dict[int, str] = {}
    first = _config(folders[0])
    for folder in folders:
        config = _config(folder)
        if changed := differences(first, config):
            raise ConfigError(
                "Runs of one name must differ in nothing but the seed. "
                f"Received: {name}: other {', '.join(changed)} in {folder}."
            )
        if config.seed in by_seed:
            raise ConfigError(
                "Runs of one name must each have a seed of its own. "
                f"Received: {name}: seed {config.seed} in {by_seed[config.seed]} and {folder}."
            )
        by_seed[config.seed] = os.path.abspath(folder)
    return Variant(name, first, tuple(sorted(by_seed)), by_seed)


def _config(folder: str) -> TrainConfig:
    run = RunFolder(Path(folder))
    if not run.config.exists() or not run.model.exists():
        raise ConfigError(
            "`runs` must name run folders, which `keras-dldl train` writes. "
            f"Received: {folder}, without config.yaml or model.keras."
        )
    return TrainConfig.load(run.config)


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
    grid = {key: names for key, names in grid.items() if names}
    # Each "key=v1,v2" is read as a list of YAML.
    grid |= parse_assignments([text.replace("=", "=[", 1) + "]" for text in axes])
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


def _runs(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if not equals or not name or not folder:
            raise ConfigError(f"A run is given as NAME=DIR. Received: {text!r}.")
        found.setdefault(name, []).append(folder)
    return found


def flat(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that may vary, those inside mappings as "augment.rotation"."""
    values: dict[str, Any] = {}
    for name, value in config.to_dict().items():
        if isinstance(value, dict):
            values |= {f"{name}.{inner}": part for inner, part in value.items()}
        elif name not in ("data", "seed"):
            values[name] = value
    return values


def differences(base: TrainConfig, config: TrainConfig) -> dict[str, Any]:
    """Return the settings of `config` that `base` has not.

    >>> differences(TrainConfig(), TrainConfig(method="dex", epochs=60))
    {'method': 'dex'}
    """
    before = flat(base)
    return {
        name: value
        for name, value in flat(config).items()
        if name not in before or before[name] != value
    }


def variant_name(base: TrainConfig, config: TrainConfig) -> str:
    """Return the method, and what else is not as in `base`.

    >>> variant_name(TrainConfig(), TrainConfig(method="er", expectation_norm="l2"))
    'er expectation_norm=l2'
    >>> variant_name(TrainConfig(), TrainConfig(expectation_weight=0.1))
    'dldl-v2 lambda=0.1'
    """
    parts = [config.method]
    for name, value in differences(base, config).items():
        if name in BARE:
            parts.append(str(value))
        elif name != "method":
            parts.append(f"{SHORT.get(name, name)}={text_of(value)}")
    return " ".join(parts)


def text_of(value: Any) -> str:
    """Return a setting's value as YAML would write it.

    >>> text_of(10.0), text_of(None), text_of(True)
    ('10', 'null', 'true')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def folder_name(variant: str, seed: int) -> str:
    """Return the name of a cell's folder, different for different cells.

    >>> folder_name("dldl-v2 lambda=0.1", 2)
    'dldl-v2_lambda=0.1_seed2'
    """
    safe = re.sub(r"[^A-Za-z0-9.=+-]", "_", variant)
    if safe != variant.replace(" ", "_") or "_" in variant:
        safe += "-" + hashlib.sha256(variant.encode("utf-8")).hexdigest()[:6]
    return f"{safe}_seed{seed}"


def check_distinct(names: Sequence[str]) -> None:
    """Raise ConfigError for an empty name, or one that stands for two variants."""
    for name in names:
        if not isinstance(name, str) or not name.strip() or names.count(name) > 1:
            raise ConfigError(
                f"Each variant and each of `runs` needs a name of its own. Received: {name!r}."
            )
