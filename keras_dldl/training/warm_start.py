"""Starting from the weights of another model, whatever its head, or of keras.applications."""

import contextlib
import logging
import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_dldl._utils.arguments import message_of
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.models import load_start
from keras_dldl.models.backbones.applications import PREFIX, new_network
from keras_dldl.training.config import RunConfig
from keras_dldl.training.freezing import backbone_layers, innermost_layers, layers_with_weights

IMAGENET = "imagenet"
SUFFIXES = (".weights.h5", ".h5", ".keras")
_LOGGER = logging.getLogger(__name__)


def start_from(model: keras.Model, config: RunConfig) -> tuple[dict[str, Any] | None, Any]:
    """Give a fresh model the weights that the settings `weights` and `init` name.

    Returns:
        Facts for the provenance, and the start model; both None without `init`.
    """
    if config.weights:
        load_backbone_weights(model, config.weights)
    if not config.init:
        return None, None
    source = load_start(config.init)
    head: Collection[str] = ()
    theirs, ours = (getattr(each, "grid", None) for each in (source, model))
    if theirs and ours and theirs != ours:  # a backbone alone has none
        # Where the shapes agree by chance, an output would still mean another label.
        head = layers_with_weights(model).keys() - backbone_layers(model)
        _LOGGER.warning(
            "The head of %s is left out: its labels are %g to %g by %g, those of the data %g to %g "
            "by %g.",
            config.init,
            theirs.start,
            theirs.stop,
            theirs.step,
            ours.start,
            ours.stop,
            ours.step,
        )
    report = copy_matching_layers(model, source, leave=head)
    _LOGGER.info("Started from %s: %s.", config.init, report)
    fresh = backbone_layers(model) & set(report.left)
    theirs = getattr(source, "backbone_name", config.model)
    if fresh and theirs != config.model:
        _LOGGER.warning(
            "%d of %d layers of the backbone %s start from random weights, as %s is a %s. For a "
            "network that takes all of them, set `model: %s` (--model %s).",
            len(fresh),
            len(backbone_layers(model)),
            config.model,
            config.init,
            theirs,
            theirs,
            theirs,
        )
    return {"from": config.init, "copied": report.copied, "left": report.left}, source


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


def _by_layer(model: keras.Model) -> dict[str, dict[str, Any]]:
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


def check_weights(backbone: str, weights: str) -> None:
    """Raise `ConfigError` unless `weights` is something that `backbone` can take."""
    if not backbone.startswith(PREFIX):
        raise ConfigError(
            f"`weights` are for the networks of keras.applications, `{PREFIX}NAME`; to start from "
            f"a model of this package there is `init`. Received: weights={weights!r} for {backbone}"
        )
    if weights == IMAGENET:
        return
    if not str(weights).endswith(SUFFIXES) or not Path(weights).is_file():
        state = "which is no file" if str(weights).endswith(SUFFIXES) else "of another kind"
        raise ConfigError(
            f"`weights` must be {IMAGENET!r}, or a file {', '.join(SUFFIXES[:-1])} or "
            f"{SUFFIXES[-1]} of the network without its classifier. Received: {weights!r}, {state}"
        )


def load_backbone_weights(model: keras.Model, weights: str) -> None:
    """Give the network inside a face model weights that others trained.

    Called when training begins, and never when a model is loaded: a saved model has its own.

    Args:
        model: a `FaceModel` whose backbone is `keras:NAME`.
        weights: "imagenet", from Keras's cache or the network; or a file that
            `keras.applications.NAME(include_top=False)` wrote by `save_weights` or `save`.

    Raises:
        ConfigError: the backbone takes no such weights, or there is no such file.
        ModelFileError: the weights cannot be fetched, or are of another network.
    """
    check_weights(model.backbone_name, weights)
    network = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    donor = _imagenet(model) if weights == IMAGENET else _from_file(model, Path(weights))
    given, wanted = _trained_layers(donor), _trained_layers(network)
    shapes = [[[tuple(w.shape) for w in each.weights] for each in of] for of in (given, wanted)]
    if shapes[0] != shapes[1]:
        raise ModelFileError(_of_another_network(model, weights))
    for ours, theirs in zip(wanted, given, strict=True):
        ours.set_weights(theirs.get_weights())
    _LOGGER.info("Took the weights of %d layers from %s.", len(wanted), weights)


def _imagenet(model: keras.Model) -> keras.Model:
    # Keras shows the progress of a download on stdout, which is for results.
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*Weights for input shape", UserWarning)
        try:
            return new_network(model.backbone_name, model.input_size, IMAGENET)
        except Exception as error:  # Keras raises plain Exceptions for what the network did
            place = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
            raise ModelFileError(
                f"The ImageNet weights of {model.backbone_name} could not be fetched. Have a "
                f"connection, put the file that Keras asks for into {place}, or name a file by "
                f"`weights`. Received: {message_of(error)}"
            ) from error


def _from_file(model: keras.Model, path: Path) -> keras.Model:
    try:
        if path.suffix == ".keras":
            loaded = keras.saving.load_model(path, compile=False)
            inner = [layer for layer in loaded.layers if isinstance(layer, keras.Model)]
            return inner[0] if inner else loaded
        donor = new_network(model.backbone_name, model.input_size)
        donor.load_weights(path)
        return donor
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        raise ModelFileError(f"{_of_another_network(model, path)} ({message_of(error)})") from error


def _trained_layers(network: keras.Model) -> list[Any]:
    # EfficientNet's own normalisation stays the identity: ours before it does the work.
    return [
        layer
        for layer in network.layers
        if layer.weights and not isinstance(layer, keras.layers.Normalization)
    ]


def _of_another_network(model: keras.Model, weights: Any) -> str:
    return (
        f"`weights` must be of the network {model.backbone_name} without its classifier "
        f"(include_top=False). Received: {os.fspath(weights)}, which does not fit"
    )
