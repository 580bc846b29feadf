"""The linear layer between features and raw outputs, where a head is no more than that."""

from typing import Any

import keras

from keras_dldl.layers.heads import OutputBiases

# They act on every output alone, so each output still rises with its own score.
ON_EACH_OUTPUT = (keras.layers.Activation, OutputBiases)


def linear_kernel(features: Any, raw: Any) -> Any:
    """Return the weights (C, R) of the one linear layer of a head, or None.

    Dropout may stand before it; activations and biases of each output alone after it, as in metric
    regression and CORAL.

    Args:
        features: symbolic tensor (B, C).
        raw: symbolic tensor, what the head made of them.
    """
    layer = _maker(raw)
    while isinstance(layer, ON_EACH_OUTPUT):
        layer = _maker(layer.input)
    if not isinstance(layer, keras.layers.Dense):
        return None
    if layer.activation is not keras.activations.linear:
        return None
    source = layer.input
    while source is not features and isinstance(_maker(source), keras.layers.Dropout):
        source = _maker(source).input
    return layer.kernel if source is features else None


def _maker(tensor: Any) -> Any:
    return tensor._keras_history.operation
