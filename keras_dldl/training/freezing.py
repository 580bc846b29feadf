"""Layers that do not learn: which, and until when."""

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

from keras_dldl.arguments import did_you_mean
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig

BACKBONE = "backbone"


def is_frozen(config: TrainConfig, epoch: int) -> bool:
    """Tell whether the layers of `freeze` do not learn in this epoch, from 0."""
    return bool(config.freeze) and (config.freeze_epochs is None or epoch < config.freeze_epochs)


def set_frozen(face_model: Any, patterns: Sequence[str], frozen: bool) -> list[str]:
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
    layers = dict(layers_with_weights(face_model))
    chosen: set[str] = set()
    for pattern in patterns:
        found = backbone_layers(face_model) if pattern == BACKBONE else _matching(pattern, layers)
        if not found & set(layers):
            raise ConfigError(_no_such_layer(pattern, layers))
        chosen |= found & set(layers)
    if chosen == set(layers):
        raise ConfigError(
            "With these layers frozen nothing is left to learn. Allowed: some of the layers. "
            f"Received: freeze={list(patterns)}, which are all {len(layers)} layers."
        )
    for name in chosen:
        layers[name].trainable = not frozen
    return sorted(chosen)


def layers_with_weights(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and layer of all innermost layers with weights."""
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from layers_with_weights(layer)
        elif layer.weights:
            yield layer.name, layer


def group_of(name: str) -> str:
    """Return the first part of a layer's name, by which `freeze` can take layers together.

    >>> group_of("stage1_conv2_bn"), group_of("logits")
    ('stage1', 'logits')
    """
    return name.partition("_")[0]


def backbone_layers(face_model: Any) -> set[str]:
    """Return the names of the layers with weights before the head."""
    import keras

    return {n for n, _ in layers_with_weights(keras.Model(face_model.input, face_model.features))}


def _matching(pattern: str, names: Sequence[str]) -> set[str]:
    return {
        name
        for name in names
        if name == pattern or name.startswith(f"{pattern}_") or fnmatch.fnmatchcase(name, pattern)
    }


def _no_such_layer(pattern: str, names: Sequence[str]) -> str:
    groups = [BACKBONE, *dict.fromkeys(group_of(name) for name in names)]
    return (
        f"There is no layer to freeze by this name. Allowed: {', '.join(groups)}, the name of a "
        f"layer, or a pattern with *.{did_you_mean(pattern, [*groups, *names])} "
        f"Received: freeze={pattern!r}."
    )
