"""Mean absolute error of the expectation."""

from typing import Any

import keras
from keras import ops

from keras_dldl.metrics.base import GridMean


@keras.saving.register_keras_serializable(package="keras_dldl")
class ExpectationMAE(GridMean):
    """Mean of `|y_hat - y|`, in the grid's unit (Gao et al. 2018/2020, section 4).

    Args:
        grid: LabelGrid of the predictions, or its config.
        from_logits: whether `y_pred` (B, K) holds logits instead of probabilities.
        name: name of the metric. Default None: "mae".
        dtype: dtype of the computation, at least float32.

    Call arguments:
        y_true: as in `losses.LabelDistributionLoss`; sigmas are not used. Of a mixture: its
            expectation.
        y_pred: (B, K) probabilities or logits, or decoded values (B,) or (B, 1).
        sample_weight: weights of the rows.

    >>> import numpy as np
    >>> from keras_dldl.labels import LabelGrid
    >>> metric = ExpectationMAE(LabelGrid.age())
    >>> metric.update_state(np.array([30.0, 40.0]), np.array([31.0, 44.0]))
    >>> metric.update_state(np.array([50.0]), np.array([49.0]))  # an uneven batch
    >>> float(metric.result())
    2.0
    """

    default_name = "mae"
    _direction = "down"

    def row_values(self, y: Any, y_hat: Any, sigma: Any) -> Any:
        """Return the absolute errors, (B,)."""
        return ops.abs(y_hat - y)
