"""Layers that do not learn: which, and until when."""

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.errors import ConfigError
from keras_dldl.models import FaceModel
from keras_dldl.training.config import TrainConfig

BACKBONE = "backbone"


def is_frozen(config: TrainConfig, epoch: int) -> bool:
    """Tell whether the layers of `freeze` do not learn in this epoch, from 0."""
    return bool(config.freeze) and (config.freeze_epochs is None or epoch < config.freeze_epochs)


def set_frozen(face_model: FaceModel, patterns: Sequence[str], frozen: bool) -> list[str]:
    """Turn the learning of layers off or on again.

    A frozen layer keeps its weights; one of batch normalisation also keeps its statistics and uses
    them, as in prediction.

    Args:
        face_model: the model.
        patterns: "backbone" for all layers before the head; the name of a layer; the beginning of
            names up to a "_", such as "stage1"; or a pattern with "*".
        frozen: whether they are frozen from now on.

    Returns:
        The names of the layers.

    Raises:
        ConfigError: a pattern fits no layer with weights, or nothing would be left to learn.
    """
    layers = layers_with_weights(face_model)
    chosen: set[str] = set()
    for pattern in patterns:
        if pattern == BACKBONE:
            found = backbone_layers(face_model)
        else:
            found = {
                name
                for name in layers
                if fnmatch.fnmatchcase(name, pattern) or name.startswith(f"{pattern}_")
            }
        if not found:
            groups = [BACKBONE, *dict.fromkeys(map(group_of, layers))]
            raise ConfigError(
                f"There is no layer to freeze by this name. Allowed: {', '.join(groups)}, the name "
                f"of a layer, or a pattern with *.{did_you_mean(pattern, [*groups, *layers])} "
                f"Received: freeze={pattern!r}."
            )
        chosen |= found
    if chosen == set(layers):
        raise ConfigError(
            "With these layers frozen nothing is left to learn. Allowed: some of the layers. "
            f"Received: freeze={list(patterns)}, which are all {len(layers)} layers."
        )
    for name in chosen:
        layers[name].trainable = not frozen
    return sorted(chosen)


def innermost_layers(model: keras.Model) -> Iterator[Any]:
    """Yield the layers in order, those of models inside the model in their place."""
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from innermost_layers(layer)
        else:
            yield layer


def layers_with_weights(model: keras.Model) -> dict[str, Any]:
    """Return all innermost layers with weights by their names."""
    return {layer.name: layer for layer in innermost_layers(model) if layer.weights}


def group_of(name: str) -> str:
    """Return the first part of a layer's name, by which `freeze` can take layers together.

    >>> group_of("stage1_conv2_bn"), group_of("logits")
    ('stage1', 'logits')
    """
    return name.partition("_")[0]


def backbone_layers(face_model: FaceModel) -> set[str]:
    """Return the names of the layers with weights before the head."""
    return set(layers_with_weights(keras.Model(face_model.input, face_model.features)))
