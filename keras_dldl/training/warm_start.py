"""Starting from another model's weights, whatever its head."""

import logging
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from keras_dldl.errors import ConfigError
from keras_dldl.models import load_start
from keras_dldl.models.pretrained import load_backbone_weights
from keras_dldl.training.config import RunConfig
from keras_dldl.training.freezing import backbone_layers, innermost_layers, layers_with_weights

_LOGGER = logging.getLogger(__name__)


def start_from(model: Any, config: RunConfig) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Give a fresh model the weights that the settings `weights` and `init` name.

    Returns:
        Facts for the provenance, None without `init`; and what the start model's file says of it.
    """
    if config.weights:
        load_backbone_weights(model, config.weights)
    if not config.init:
        return None, {}
    source = load_start(config.init)
    head: Collection[str] = ()
    theirs, ours = (getattr(each, "grid", None) for each in (source, model))
    if theirs and ours and theirs != ours:  # a backbone alone has none
        # Where the shapes agree by chance, an output would still mean another label.
        head = layers_with_weights(model).keys() - backbone_layers(model)
        _LOGGER.warning(
            "The head of %s is left out: its labels are %g to %g by %g, those of the data %g to %g "
            "by %g.", config.init,
            theirs.start, theirs.stop, theirs.step, ours.start, ours.stop, ours.step,
        )  # fmt: skip
    report = copy_matching_layers(model, source, leave=head)
    _LOGGER.info("Started from %s: %s.", config.init, report)
    return {"from": config.init, "copied": report.copied, "left": report.left}, source.card


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
    """Return the weights of each layer by the layer's name, and by their place in it."""
    found: dict[str, dict[str, Any]] = {}
    unnamed: Counter = Counter()
    for layer in innermost_layers(model):
        if not layer.weights:
            continue
        # How Keras begins the name of a layer that was given none, such as "conv2d".
        words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
        name = layer.name
        if re.fullmatch(rf"{kind}(_\d+)?", name):
            # Keras made this name up, counting all layers of the process: count in this model.
            name = f"{kind}#{unnamed[kind]}"
            unnamed[kind] += 1
        found[name] = {f"{k} {each.name}": each for k, each in enumerate(layer.weights)}
    return found


def _shapes(variables: dict[str, Any]) -> dict[str, tuple]:
    return {part: tuple(variable.shape) for part, variable in variables.items()}
