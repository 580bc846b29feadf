"""What the losses share: the label grid, the form of the predictions, the whole config."""

from typing import Any

import keras

from keras_dldl.arguments import check_flag
from keras_dldl.labels import LabelGrid, as_grid


class GridLoss(keras.losses.Loss):
    """Base of the losses over a label grid.

    Args:
        grid: LabelGrid, or its config.
        from_logits: whether predictions are logits instead of probabilities.
        reduction: how Keras reduces the rows' losses.
        name: name of the loss.
        dtype: dtype Keras casts both arguments to; None is the Keras default, float32.
    """

    def __init__(
        self,
        grid: LabelGrid,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.grid = as_grid(grid)
        self.from_logits = check_flag("from_logits", from_logits)
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument; the grid as its own config."""
        return {
            "grid": self.grid.get_config(),
            "from_logits": self.from_logits,
            "reduction": self.reduction,
            "name": self.name,
            "dtype": self.dtype,
        }


def check_predictions(y_pred: Any, size: int) -> None:
    """Raise ValueError unless `y_pred` has the shape (B, `size`), as far as shapes are known."""
    shape = tuple(y_pred.shape)
    if len(shape) != 2 or shape[1] not in (size, None):
        raise ValueError(
            f"`y_pred` has the wrong shape. It must be (B, {size}), a column for each label of "
            f"the grid. Received: y_pred.shape={shape}"
        )
