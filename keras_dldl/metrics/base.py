"""What the metrics share: decoding predictions, row weights, and sums that do not drift."""

import inspect
from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_flag
from keras_dldl.labels import LabelGrid, as_grid
from keras_dldl.losses.expectation import predicted_expectation
from keras_dldl.ops import split_label_sigma, to_tensor


class GridMetric(keras.metrics.Metric):
    """Base of the metrics over a label grid.

    Args:
        grid: LabelGrid of the predictions, or its config.
        from_logits: whether predictions (B, K) are logits instead of probabilities.
        name: name of the metric, its key in the training history.
        dtype: dtype of the computation; None is the Keras default. Half precision is raised to
            float32, since no sum over a data set fits in it.
    """

    default_name: str
    default_sigma = 0.0

    def __init__(
        self,
        grid: LabelGrid,
        from_logits: bool = False,
        name: str | None = None,
        dtype: str | None = None,
    ):
        grid, from_logits = as_grid(grid), check_flag("from_logits", from_logits)
        super().__init__(name=name or self.default_name, dtype=dtype)
        self.grid = grid
        self.from_logits = from_logits
        self.add_state()

    @abstractmethod
    def add_state(self) -> None:
        """Make the variables."""

    @property
    def sum_dtype(self) -> str:
        """The dtype of the state: float64 if the metric's dtype is, else float32."""
        return "float64" if self.dtype == "float64" else "float32"

    def rows(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any, Any]:
        """Return `(y, y_hat, sigma, weight)` of each row, all (B,)."""
        y, sigma = split_label_sigma(to_tensor(y_true, self.sum_dtype), self.default_sigma)
        y_hat = self._decode(to_tensor(y_pred, self.sum_dtype))
        weight = ops.ones_like(y)
        if sample_weight is not None:
            sample_weight = to_tensor(sample_weight, self.sum_dtype)
            # A column (B, 1) would be broadcast to (B, B).
            weight = weight * (
                ops.reshape(sample_weight, (-1,)) if len(sample_weight.shape) else sample_weight
            )
        return y, y_hat, sigma, weight

    def _decode(self, y_pred: Any) -> Any:
        shape = tuple(y_pred.shape)
        if len(shape) == 1:
            return y_pred
        if len(shape) == 2 and shape[1] == 1:
            return y_pred[:, 0]
        if len(shape) != 2 or shape[1] not in (self.grid.size, None):
            raise ValueError(
                f"`y_pred` has the wrong shape. It must be (B, {self.grid.size}), a column for "
                "each label of the grid, or (B,) or (B, 1), decoded values. "
                f"Received: y_pred.shape={shape}"
            )
        labels = to_tensor(self.grid.labels64, self.sum_dtype)
        return predicted_expectation(y_pred, labels, self.from_logits)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, which a metric keeps each under its own name."""
        names = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {**own, "grid": self.grid.get_config()}


class GridMean(GridMetric):
    """Base of the metrics that are a weighted mean over the rows; 0 before the first row."""

    def add_state(self) -> None:
        """Make the sums."""
        # Weighted sum and sum of weights, and what rounding took from each (Kahan summation):
        # a float32 sum over a million rows would be off in the fifth digit.
        self.sums = self.add_variable((2,), "zeros", dtype=self.sum_dtype, name="sums")
        self.lost = self.add_variable((2,), "zeros", dtype=self.sum_dtype, name="lost")

    @abstractmethod
    def row_values(self, y: Any, y_hat: Any, sigma: Any) -> Any:
        """Return the value of each row, (B,), from label, prediction and sigma, each (B,)."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: (B,), (B, 1), (B, 2) with sigma in the second column, or (B, 5), a mixture.
            y_pred: (B, K) probabilities or logits, or decoded values (B,) or (B, 1).
            sample_weight: weights of the rows, (B,), (B, 1) or one for all.
        """
        y, y_hat, sigma, weight = self.rows(y_true, y_pred, sample_weight)
        values = self.row_values(y, y_hat, sigma)
        batch = ops.stack([ops.sum(values * weight), ops.sum(weight)])
        sums, addend = ops.convert_to_tensor(self.sums), batch - self.lost
        total = sums + addend
        self.lost.assign((total - sums) - addend)
        self.sums.assign(total)

    def result(self) -> Any:
        """Return the weighted mean of all rows so far."""
        sums = self.sums - self.lost
        return ops.divide_no_nan(sums[0], sums[1])
