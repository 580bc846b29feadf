"""Weights of others for the networks of keras.applications, put in before training begins."""

import contextlib
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import keras

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.models.backbones.applications import PREFIX, new_network

IMAGENET = "imagenet"
SUFFIXES = (".weights.h5", ".h5", ".keras")
_LOGGER = logging.getLogger(__name__)


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


def load_backbone_weights(model: Any, weights: str) -> None:
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
    given, wanted = _layers_with_weights(donor), _layers_with_weights(network)
    if [_shapes(layer) for layer in given] != [_shapes(layer) for layer in wanted]:
        raise ModelFileError(_of_another_network(model, weights))
    for ours, theirs in zip(wanted, given, strict=True):
        ours.set_weights(theirs.get_weights())
    _LOGGER.info("Took the weights of %d layers from %s.", len(wanted), weights)


def _imagenet(model: Any) -> keras.Model:
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
                f"`weights`. Received: {_reason(error)}"
            ) from error


def _from_file(model: Any, path: Path) -> keras.Model:
    try:
        if path.suffix == ".keras":
            loaded = keras.saving.load_model(path, compile=False)
            inner = [layer for layer in loaded.layers if isinstance(layer, keras.Model)]
            return inner[0] if inner else loaded
        donor = new_network(model.backbone_name, model.input_size)
        donor.load_weights(path)
        return donor
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        raise ModelFileError(f"{_of_another_network(model, path)} ({_reason(error)})") from error


def _layers_with_weights(network: Any) -> list[Any]:
    # EfficientNet's own normalisation stays the identity: ours before it does the work.
    return [
        layer
        for layer in network.layers
        if layer.weights and not isinstance(layer, keras.layers.Normalization)
    ]


def _shapes(layer: Any) -> list[tuple]:
    return [tuple(weight.shape) for weight in layer.weights]


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _of_another_network(model: Any, weights: Any) -> str:
    return (
        f"`weights` must be of the network {model.backbone_name} without its classifier "
        f"(include_top=False). Received: {os.fspath(weights)}, which does not fit"
    )
