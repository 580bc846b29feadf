"""Cumulative score: the share of small errors."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_number
from keras_dldl.labels import TIE_TOLERANCE, LabelGrid
from keras_dldl.metrics.base import GridMean


@keras.saving.register_keras_serializable(package="keras_dldl")
class CumulativeScore(GridMean):
    """CS@t: percentage of rows with `|y_hat - y| <= t` (Gao et al. 2018/2020, section 4).

    An error within 1e-5 of a step of the threshold counts as equal to it: 1.8 - 1.3 is not
    exactly 0.5 in binary.

    Args:
        grid: LabelGrid of the predictions, or its config.
        threshold: t, in the grid's unit, not below 0.
        from_logits: whether `y_pred` (B, K) holds logits instead of probabilities.
        name: name of the metric. Default None: "cs" and the threshold, such as "cs5".
        dtype: dtype of the computation, at least float32.

    Call arguments: as those of `ExpectationMAE`.

    >>> import numpy as np
    >>> metric = CumulativeScore(LabelGrid.age(), threshold=3)
    >>> float(metric(np.array([20.0, 20.0, 20.0, 20.0]), np.array([23.0, 16.0, 20.0, 18.0])))
    75.0
    """

    _direction = "up"

    def __init__(
        self,
        grid: LabelGrid,
        threshold: float = 5.0,
        from_logits: bool = False,
        name: str | None = None,
        dtype: str | None = None,
    ):
        threshold = check_number("threshold", threshold, minimum=0.0)
        super().__init__(grid, from_logits, name or f"cs{threshold:g}", dtype)
        self.threshold = threshold

    def row_values(self, y: Any, y_hat: Any, sigma: Any) -> Any:
        """Return 100 for each row within the threshold, else 0, (B,)."""
        limit = self.threshold + TIE_TOLERANCE * self.grid.step
        return 100.0 * ops.cast(ops.abs(y_hat - y) <= limit, y.dtype)
