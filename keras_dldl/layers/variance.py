"""From a distribution to its spread, as a layer."""

from typing import Any

import keras
from keras import ops

from keras_dldl.layers.base import GridLayer
from keras_dldl.ops import compute_dtype, to_tensor, variance


@keras.saving.register_keras_serializable(package="keras_dldl")
class DistributionStd(GridLayer):
    """Standard deviation of label distributions: how sure a prediction is.

    Args:
        grid: LabelGrid of the distributions, or its config.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer.

    Input shape: (B, K) probabilities, rows sum to 1.
    Output shape: (B,), in the grid's unit, float32 under any dtype policy (float64 from float64).

    Raises:
        ConfigError: `grid` is not a grid.
        ValueError: on build, the input has another number of labels.

    >>> import numpy as np
    >>> from keras_dldl.labels import LabelGrid
    >>> np.asarray(DistributionStd(LabelGrid(0, 2))(np.array([[0.5, 0.0, 0.5]]))).tolist()
    [1.0]
    """

    def call(self, inputs: Any) -> Any:
        """Return the standard deviation of each row, (B,)."""
        squared = variance(inputs, to_tensor(self.grid.labels64, compute_dtype(inputs)))
        # The slope of the root is infinite at 0, so the root of 0 is not taken.
        spread = squared > 0.0
        return ops.where(spread, ops.sqrt(ops.where(spread, squared, 1.0)), 0.0)
