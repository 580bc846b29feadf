"""Starting from another model's weights, whatever its head."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from keras_dldl.errors import ConfigError


@dataclass(frozen=True)
class WarmStart:
    """What was copied: names of layers."""

    copied: tuple[str, ...]
    left: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{len(self.copied)} of {len(self.copied) + len(self.left)} layers"
        return text + (f", not {', '.join(self.left)}" if self.left else "")


def copy_matching_layers(target: Any, source: Any, leave: Collection[str] = ()) -> WarmStart:
    """Copy the weights of each layer of `source` whose namesake in `target` has the same shapes.

    So a backbone serves any head: a head with another number of labels keeps its fresh weights.

    Args:
        target: the model to change.
        source: the model to copy from.
        leave: names of layers that keep their fresh weights whatever their shapes.

    Raises:
        ConfigError: no layer matches.
    """
    given, wanted = _by_layer(source), _by_layer(target)
    copied = [
        name
        for name in wanted
        if _shapes(wanted[name]) == _shapes(given.get(name, {})) and name not in leave
    ]
    for name in copied:
        for part, variable in wanted[name].items():
            variable.assign(given[name][part])
    if not copied:
        raise ConfigError(
            "The model in `init` has no layer that fits. Allowed: a model of the same backbone. "
            f"Received: {source.name} for {target.name}."
        )
    return WarmStart(tuple(copied), tuple(name for name in wanted if name not in copied))


def _by_layer(model: Any) -> dict[str, dict[str, Any]]:
    layers: dict[str, dict[str, Any]] = defaultdict(dict)
    for variable in model.weights:
        layer, _, part = variable.path.rpartition("/")
        layers[layer][part] = variable
    return dict(layers)


def _shapes(variables: dict[str, Any]) -> dict[str, tuple]:
    return {part: tuple(variable.shape) for part, variable in variables.items()}
