"""Names of variants, from their settings, and of their folders."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig

# Whose value says enough, and short names of those that stand in tables often.
BARE = ("model",)
SHORT = {"expectation_weight": "lambda", "label_step": "step", "input_size": "size"}


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
