"""Pooling between the average and the maximum, as a layer."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_number

# Zero has no logarithm; what a ReLU left at zero counts as this.
SMALLEST = 1e-6


@keras.saving.register_keras_serializable(package="keras_dldl")
class GeneralizedMeanPooling(keras.layers.Layer):
    """Generalised mean of a feature map, `(mean(x ** p)) ** (1 / p)`, with a learnt p.

    p = 1 is the average, p to infinity the maximum (Radenovic, Tolias and Chum 2019, section 3.2:
    "GeM"). Features below 1e-6 count as 1e-6, and p does not fall below 1.

    Args:
        power: p at the beginning, 1 or more.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer. `trainable=False` holds p fast.

    Input shape: (B, H, W, C).
    Output shape: (B, C), in the policy's compute dtype; computed in float32 or better.

    >>> import numpy as np
    >>> layer = GeneralizedMeanPooling(power=2.0)
    >>> [[round(float(x), 4) for x in row] for row in layer(np.array([[[[3.0], [4.0]]]]))]
    [[3.5355]]
    """

    def __init__(self, power: float = 3.0, **kwargs: Any):
        # Else Keras would first round the features to the half precision of a mixed policy, in
        # which powers overflow.
        super().__init__(autocast=False, **kwargs)
        self.power = check_number("power", power, minimum=1)

    def build(self, input_shape: tuple) -> None:
        """Make p, one number for all channels."""
        self.p = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.power),
            constraint=_at_least_one,
            name="p",
        )

    def call(self, inputs: Any) -> Any:
        """Return the pooled features, (B, C)."""
        dtype = "float64" if self.variable_dtype == "float64" else "float32"
        p = ops.cast(self.p, dtype)
        x = ops.maximum(ops.cast(inputs, dtype), SMALLEST)
        # The mean scales with its input. Taking out the largest keeps powers from overflowing; it
        # cancels, so it has no gradient of its own.
        largest = ops.stop_gradient(ops.max(x, axis=(1, 2), keepdims=True))
        mean = ops.mean(ops.power(x / largest, p), axis=(1, 2))
        pooled = ops.squeeze(largest, axis=(1, 2)) * ops.power(mean, 1.0 / p)
        return ops.cast(pooled, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (B, C) for (B, H, W, C)."""
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        return {**super().get_config(), "power": self.power}


def _at_least_one(p: Any) -> Any:
    return ops.maximum(p, 1.0)
