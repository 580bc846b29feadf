"""Batch normalisation folded into the convolution before it: the same answers, fewer operations."""

from typing import Any

import keras
import numpy as np

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def fold_normalization(model: keras.Model) -> keras.Model:
    """Return a copy for inference in which convolutions do what batch normalisation did.

    In inference, batch normalisation multiplies each channel by a number and adds another; both go
    into the kernel and the bias of the convolution before it (Jacob et al. 2018, section 3.2).
    Layers of normalisation that follow no convolution directly, or one that feeds other layers,
    too, stay what they are. Models that are layers of this one are folded, too.

    Args:
        model: a functional model, such as a `FaceModel`; it stays what it is.

    Returns:
        A functional model from the same inputs to the same outputs. It is not for training.
    """
    foldable = {before.name: norm for before, norm in _pairs(model)}
    gone = {norm.name for norm in foldable.values()}

    def clone(layer: Any) -> Any:
        if _is_functional(layer):
            return fold_normalization(layer)
        config = layer.get_config()
        if layer.name in foldable:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in gone else layer(*args, **kwargs)

    copy = keras.models.clone_model(
        keras.Model(model.input, model.output, name=model.name),
        clone_function=clone,
        call_function=call,
    )
    for layer in model.layers:
        if layer.name in foldable:
            copy.get_layer(layer.name).set_weights(_folded(layer, foldable[layer.name]))
        elif layer.weights and layer.name not in gone and not _is_functional(layer):
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def _is_functional(layer: Any) -> bool:
    is_model = isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential)
    return is_model and hasattr(layer, "operations")


def _pairs(model: keras.Model) -> list[tuple[Any, Any]]:
    """Return each convolution with the layer of normalisation that can be folded into it."""
    pairs = []
    for norm in model.layers:
        if type(norm) is keras.layers.BatchNormalization and norm.axis in (-1, 3):
            before = _only_source(norm)
            if (
                type(before) in CONVOLUTIONS
                and before.activation is keras.activations.linear
                and before.data_format == "channels_last"
                and len(before._outbound_nodes) == 1
            ):
                pairs.append((before, norm))
    return pairs


def _only_source(layer: Any) -> Any:
    nodes = layer._inbound_nodes
    parents = nodes[0].parent_nodes if len(nodes) == 1 else []
    return parents[0].operation if len(parents) == 1 else None


def _folded(convolution: Any, norm: Any) -> list[np.ndarray]:
    """Return the kernel and the bias, computed in float64."""
    kernel, *bias = (np.asarray(w, "float64") for w in convolution.get_weights())
    mean, variance = (np.asarray(w, "float64") for w in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale *= np.asarray(norm.gamma, "float64")
    shift = (sum(bias) - mean) * scale
    if norm.center:
        shift += np.asarray(norm.beta, "float64")
    # A kernel of depthwise convolution is (h, w, channels, multiplier), its output's channels both.
    per_channel = scale.reshape(kernel.shape[2:]) if _is_depthwise(convolution) else scale
    return [(kernel * per_channel).astype("float32"), shift.astype("float32")]


def _is_depthwise(convolution: Any) -> bool:
    return isinstance(convolution, keras.layers.DepthwiseConv2D)
