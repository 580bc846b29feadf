"""What the losses share: the label grid, the form of the predictions, the complete config."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from keras_dldl._utils.arguments import check_flag
from keras_dldl.labels import LabelGrid, as_grid


class FullPrecisionLoss(keras.losses.Loss):
    """Base of all losses: computed in float64 where its dtype is that, else in float32.

    Keras casts labels as well as predictions to a loss's dtype, and sums in it. In half precision
    a label of 1.4 would lie above the label 1.4 of a grid, person 2049 would be person 2048, and
    squares would not fit.
    """

    @property
    def dtype(self) -> str:
        """The dtype of labels, predictions and result: float64 or float32."""
        return "float64" if super().dtype == "float64" else "float32"

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument; a loss keeps each under its own name."""
        names = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {**super().get_config(), **own, "dtype": super().dtype}


class GridLoss(FullPrecisionLoss):
    """Base of the losses over a label grid: a class over a pure function, with its arguments.

    Args:
        grid: LabelGrid, or its config.
        from_logits: whether predictions are logits instead of probabilities.
        reduction: how Keras reduces the rows' losses.
        name: name of the loss.
        dtype: float64 or float32, to which Keras casts both arguments; None is the Keras default.
            Half precision is raised to float32.

    Attributes:
        function: from `y_true`, `y_pred`, the labels (K,) and what the loss keeps under the names
            of its other arguments, to the loss of each row, (B,).

    Raises:
        ConfigError: an argument is of the wrong kind or out of range.
        ValueError: on call, `y_true` or `y_pred` has the wrong shape.
    """

    function: Callable[..., Any]

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

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row, (B,)."""
        names = [*inspect.signature(self.function).parameters][3:]
        kept = {name: getattr(self, name) for name in names}
        return self.function(y_true, y_pred, self.grid.labels64, **kept)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument; the grid as its own config."""
        return {**super().get_config(), "grid": self.grid.get_config()}


def check_predictions(y_pred: Any, size: int) -> None:
    """Raise ValueError unless `y_pred` has the shape (B, `size`), as far as shapes are known."""
    shape = tuple(y_pred.shape)
    if len(shape) != 2 or shape[1] not in (size, None):
        raise ValueError(
            f"`y_pred` has the wrong shape. It must be (B, {size}), a column for each label of "
            f"the grid. Received: y_pred.shape={shape}"
        )
