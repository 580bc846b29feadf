"""Heads: the layers between a backbone's features and the raw outputs that a loss takes.

All compute in float32 under any dtype policy: half precision would round small probabilities to 0.
"""

from typing import Any

import keras


def linear_head(features: Any, size: int, name: str = "logits") -> Any:
    """Put a linear layer on `features` (Gao et al. 2018/2020, section 3); its bias starts at zero.

    Args:
        features: symbolic tensor (B, C).
        size: number of outputs.
        name: name of the layer.

    Returns:
        Symbolic tensor (B, size), float32.

    >>> features = keras.Input((64,))
    >>> keras.Model(features, linear_head(features, 101)).count_params()  # 64 x 101 + 101
    6565
    """
    return keras.layers.Dense(size, bias_initializer="zeros", dtype="float32", name=name)(features)


def shared_ranking_head(features: Any, size: int) -> Any:
    """Put the head of CORAL on `features`: one weight vector, and a bias for each output.

    Cao, Mirjalili and Raschka 2020, section 3. The biases start at zero.

    Args:
        features: symbolic tensor (B, C).
        size: number of outputs.

    Returns:
        Symbolic tensor (B, size), float32.

    >>> features = keras.Input((64,))
    >>> keras.Model(features, shared_ranking_head(features, 100)).count_params()  # 64 + 100
    164
    """
    score = keras.layers.Dense(1, use_bias=False, dtype="float32", name="score")(features)
    return OutputBiases(size, dtype="float32", name="biases")(score)


@keras.saving.register_keras_serializable(package="keras_dldl")
class OutputBiases(keras.layers.Layer):
    """Adds `size` trainable biases to one number a row.

    Args:
        size: number of outputs.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer.

    Input shape: (B, 1).
    Output shape: (B, size).
    """

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = int(size)

    def build(self, input_shape: tuple) -> None:
        """Make the biases, zero."""
        self.biases = self.add_weight(shape=(self.size,), initializer="zeros", name="biases")

    def call(self, inputs: Any) -> Any:
        """Return the sums, (B, size)."""
        return inputs + self.biases

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (B, size)."""
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        return {**super().get_config(), "size": self.size}


def linear_kernel(features: Any, raw: Any) -> Any:
    """Return the weights (C, R) of the one linear layer of a head, or None.

    Dropout may stand before it; activations and biases of each output alone after it, as in metric
    regression and CORAL.

    Args:
        features: symbolic tensor (B, C).
        raw: symbolic tensor, what the head made of them.
    """
    layer = _maker(raw)
    # These act on every output alone, so each output still rises with its own score.
    while isinstance(layer, (keras.layers.Activation, OutputBiases)):
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
