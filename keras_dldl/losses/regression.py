"""The loss of MR, metric regression: the error of a value scaled to [-1, 1]."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_choice
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.losses.expectation import NORMS
from keras_dldl.ops import compute_dtype, split_label_sigma, to_tensor


def regression_loss(y_true: Any, y_pred: Any, labels: Any, norm: str = "l1") -> Any:
    """Return `|v - t|` ("l1") or `(v - t)^2` ("l2") of each row, (B,).

    `t = 2 (y - l_1) / (l_K - l_1) - 1` is the label scaled to [-1, 1]. The arguments are those of
    `RegressionLoss`; `labels` is the grid, (K,).

    >>> import numpy as np
    >>> y, v, labels = np.array([50.0]), np.array([[0.5]]), np.arange(101.0)
    >>> [float(regression_loss(y, v, labels, norm)[0]) for norm in ("l1", "l2")]
    [0.5, 0.25]
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, 1)
    y, _ = split_label_sigma(to_tensor(y_true, dtype), 0.0)
    target = 2.0 * (y - labels[0]) / (labels[-1] - labels[0]) - 1.0
    error = y_pred[:, 0] - target
    return ops.abs(error) if norm == "l1" else ops.square(error)


@keras.saving.register_keras_serializable(package="keras_dldl")
class RegressionLoss(GridLoss):
    """Absolute or squared error of the scaled value, method MR (Gao et al. 2020, section 4).

    Args:
        grid: LabelGrid, whose ends are -1 and 1, or its config.
        norm: "l1", the absolute error, or "l2", its square.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`, in the grid's unit; sigmas are not used. Of a
            mixture: its expectation. Labels beyond the ends are beyond -1 and 1.
        y_pred: (B, 1), the scaled values.

    >>> import numpy as np
    >>> loss = RegressionLoss(LabelGrid(1, 5))
    >>> float(loss(np.array([5.0]), np.array([[0.0]])))
    1.0
    """

    function = staticmethod(regression_loss)

    def __init__(
        self,
        grid: LabelGrid,
        norm: str = "l1",
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "regression_loss",
        dtype: str | None = None,
    ):
        self.norm = check_choice("norm", norm, NORMS)
        super().__init__(grid, False, reduction, name, dtype)
