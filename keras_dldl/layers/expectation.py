"""From a distribution to its expectation, as a layer."""

from typing import Any

import keras

from keras_dldl.layers.base import GridLayer
from keras_dldl.ops import compute_dtype, expectation, to_tensor


@keras.saving.register_keras_serializable(package="keras_dldl")
class Expectation(GridLayer):
    """Expectation of label distributions, the predicted value (Gao et al. 2018/2020, section 3).

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
    >>> np.asarray(Expectation(LabelGrid(0, 2))(np.array([[0.25, 0.25, 0.5]]))).tolist()
    [1.25]
    """

    def call(self, inputs: Any) -> Any:
        """Return the expectation of each row, (B,)."""
        return expectation(inputs, to_tensor(self.grid.labels64, compute_dtype(inputs)))
