"""The mean-variance loss: cross-entropy, error of the mean, and variance."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_number
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss
from keras_dldl.losses.cross_entropy import nearest_label_cross_entropy
from keras_dldl.ops import (
    compute_dtype,
    expectation,
    softmax32,
    split_label_sigma,
    to_tensor,
    variance,
)


def mean_variance_loss(
    y_true: Any,
    y_pred: Any,
    labels: Any,
    mean_weight: float = 0.2,
    variance_weight: float = 0.05,
    from_logits: bool = False,
) -> Any:
    """Return `-ln q_n + mean_weight (m - y)^2 / 2 + variance_weight v` of each row, (B,).

    `m` and `v` are mean and variance of `q`, `n` is the label nearest to `y`. The arguments are
    those of `MeanVarianceLoss`; `labels` is the grid, (K,).

    >>> import numpy as np
    >>> y, q, labels = np.array([1.0]), np.array([[0.0, 0.5, 0.5]]), np.arange(3.0)
    >>> round(float(mean_variance_loss(y, q, labels)[0]), 4)  # ln 2 + 0.2 / 8 + 0.05 / 4
    0.7306
    """
    cross_entropy = nearest_label_cross_entropy(y_true, y_pred, labels, from_logits)
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    y, _ = split_label_sigma(to_tensor(y_true, dtype), 0.0)
    q = softmax32(y_pred) if from_logits else y_pred
    mean_loss = 0.5 * ops.square(expectation(q, labels) - y)
    return cross_entropy + mean_weight * mean_loss + variance_weight * variance(q, labels)


@keras.saving.register_keras_serializable(package="keras_dldl")
class MeanVarianceLoss(GridLoss):
    """Softmax loss, mean loss and variance loss together (Pan et al. 2018, section 3).

    Args:
        grid: LabelGrid of the predictions, or its config.
        mean_weight: the paper's lambda_1, not below 0.
        variance_weight: the paper's lambda_2, not below 0.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`; sigmas are not used. The softmax loss takes the
            nearest label (of a mixture: the weighted sum of both losses), the mean loss the label
            itself (of a mixture: its expectation).
        y_pred: (B, K) probabilities or logits.

    >>> import numpy as np
    >>> loss = MeanVarianceLoss(LabelGrid(0, 2))
    >>> float(loss(np.array([2.0]), np.array([[0.0, 0.0, 1.0]])))
    0.0
    """

    function = staticmethod(mean_variance_loss)

    def __init__(
        self,
        grid: LabelGrid,
        mean_weight: float = 0.2,
        variance_weight: float = 0.05,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_variance_loss",
        dtype: str | None = None,
    ):
        self.mean_weight = check_number("mean_weight", mean_weight, minimum=0.0)
        self.variance_weight = check_number("variance_weight", variance_weight, minimum=0.0)
        super().__init__(grid, from_logits, reduction, name, dtype)
