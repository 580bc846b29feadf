"""Epsilon-error: the error measured against how far annotators disagree."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_number
from keras_dldl.labels import LabelGrid
from keras_dldl.metrics.base import GridMean
from keras_dldl.ops import smallest


@keras.saving.register_keras_serializable(package="keras_dldl")
class EpsilonError(GridMean):
    """Mean of `1 - exp(-(y_hat - y)^2 / (2 sigma^2))`, from 0 to 1 (ChaLearn; section 4).

    Where sigma is 0, a row counts 0 if the prediction is exact, else 1.

    Args:
        grid: LabelGrid of the predictions, or its config.
        sigma: standard deviation for rows without their own, in the grid's unit, not below 0.
        from_logits: whether `y_pred` (B, K) holds logits instead of probabilities.
        name: name of the metric. Default None: "epsilon_error".
        dtype: dtype of the computation, at least float32.

    Call arguments:
        y_true: as in `losses.LabelDistributionLoss`. Of a mixture: its expectation and standard
            deviation.
        y_pred: (B, K) probabilities or logits, or decoded values (B,) or (B, 1).
        sample_weight: weights of the rows.

    >>> import numpy as np
    >>> metric = EpsilonError(LabelGrid.age())
    >>> round(float(metric(np.array([[30.0, 2.0], [30.0, 0.0]]), np.array([32.0, 30.0]))), 4)
    0.1967
    """

    default_name = "epsilon_error"
    _direction = "down"

    def __init__(
        self,
        grid: LabelGrid,
        sigma: float = 2.0,
        from_logits: bool = False,
        name: str | None = None,
        dtype: str | None = None,
    ):
        sigma = check_number("sigma", sigma, minimum=0.0)
        super().__init__(grid, from_logits, name, dtype)
        self.sigma = self.default_sigma = sigma

    def row_values(self, y: Any, y_hat: Any, sigma: Any) -> Any:
        """Return the epsilon-errors, (B,)."""
        # With the floor, 0/0 is 0 and anything else over 0 is infinite, whose error is 1.
        deviations = (y_hat - y) / ops.maximum(sigma, smallest(sigma))
        return -ops.expm1(-0.5 * ops.square(deviations))
