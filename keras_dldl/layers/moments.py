"""From a distribution to its expectation and its spread, as layers."""

from typing import Any

import keras
from keras import ops

from keras_dldl.labels import LabelGrid, as_grid
from keras_dldl.ops import compute_dtype, expectation, to_tensor, variance


class GridLayer(keras.layers.Layer):
    """Base of the layers that map distributions (B, K) to one number a row, (B,).

    Args:
        grid: LabelGrid of the distributions, or its config.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer.
    """

    def __init__(self, grid: LabelGrid, **kwargs: Any):
        # Else Keras would first round the probabilities to the half precision of a mixed policy.
        super().__init__(autocast=False, **kwargs)
        self.grid = as_grid(grid)

    def build(self, input_shape: tuple) -> None:
        """Check the number of labels; there are no weights."""
        if len(input_shape) != 2 or input_shape[1] != self.grid.size:
            raise ValueError(
                f"`{self.name}` got the wrong shape. It must be (B, {self.grid.size}), a column "
                f"for each label of the grid. Received: shape={tuple(input_shape)}"
            )

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (B,) for (B, K)."""
        return tuple(input_shape[:1])

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument; the grid as its own config."""
        return {**super().get_config(), "grid": self.grid.get_config()}


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
