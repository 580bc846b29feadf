"""What the decoding layers share: a label grid, and full precision."""

from typing import Any

import keras

from keras_dldl.labels import LabelGrid, as_grid


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
