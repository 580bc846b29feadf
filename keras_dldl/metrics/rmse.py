"""Root mean squared error of the expectation."""

from typing import Any

import keras
from keras import ops

from keras_dldl.metrics.base import GridMean


@keras.saving.register_keras_serializable(package="keras_dldl")
class ExpectationRMSE(GridMean):
    """Root of the mean of `(y_hat - y)^2`, in the grid's unit (Gao et al. 2020, section 4).

    Args:
        grid: LabelGrid of the predictions, or its config.
        from_logits: whether `y_pred` (B, K) holds logits instead of probabilities.
        name: name of the metric. Default None: "rmse".
        dtype: dtype of the computation, at least float32.

    Call arguments: as those of `ExpectationMAE`.

    >>> import numpy as np
    >>> from keras_dldl.labels import LabelGrid
    >>> metric = ExpectationRMSE(LabelGrid.scut_fbp())
    >>> round(float(metric(np.array([2.0, 4.0]), np.array([2.6, 3.2]))), 4)  # root of (.36+.64)/2
    0.7071
    """

    default_name = "rmse"
    _direction = "down"

    def row_values(self, y: Any, y_hat: Any, sigma: Any) -> Any:
        """Return the squared errors, (B,)."""
        return ops.square(y_hat - y)

    def result(self) -> Any:
        """Return the root of the weighted mean of all rows so far."""
        return ops.sqrt(super().result())
