"""The unimodal-concentrated loss: a label distribution that finds its own width."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_number
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.ops import (
    compute_dtype,
    expectation,
    nearest_label,
    softmax32,
    target_parts,
    to_tensor,
    variance,
)

# Added to the variance, in squared steps: a distribution with all mass on one label has none.
VARIANCE_FLOOR = 1e-10


def unimodal_concentrated_loss(
    y_true: Any,
    y_pred: Any,
    labels: Any,
    unimodal_weight: float = 1000.0,
    from_logits: bool = False,
) -> Any:
    """Return `ln(v) / 2 + (m - y)^2 / (2 v) + unimodal_weight * U` of each row, (B,).

    `m` and `v` are mean and variance of `q`; `U` is the sum of all that `q` falls before the label
    nearest to `y` and rises after it. The arguments are those of `UnimodalConcentratedLoss`;
    `labels` is the grid, (K,).

    >>> import numpy as np
    >>> y, labels = np.array([1.0]), np.arange(3.0)
    >>> one_mode, two_modes = np.array([[0.25, 0.5, 0.25]]), np.array([[0.4, 0.2, 0.4]])
    >>> round(float(unimodal_concentrated_loss(y, one_mode, labels)[0]), 4)  # ln(0.5) / 2
    -0.3466
    >>> round(float(unimodal_concentrated_loss(y, two_modes, labels, 1.0)[0]), 4)  # ln(0.8)/2 + 0.4
    0.2884
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, labels.shape[0])
    q = softmax32(y_pred) if from_logits else y_pred

    def loss(y: Any) -> Any:
        concentrated = _gaussian_likelihood(q, y, labels)
        return concentrated + unimodal_weight * _wrong_slopes(q, nearest_label(y, labels))

    parts = target_parts(to_tensor(y_true, dtype), 0.0)
    return sum(weight * loss(y) for weight, y, _ in parts)


def _gaussian_likelihood(q: Any, y: Any, labels: Any) -> Any:
    """Return the negative log-likelihood of y, less a constant, under the moments of q, (B,)."""
    v = variance(q, labels) + VARIANCE_FLOOR * ops.square(labels[1] - labels[0])
    return 0.5 * (ops.log(v) + ops.square(expectation(q, labels) - y) / v)


def _wrong_slopes(q: Any, nearest: Any) -> Any:
    """Return the sum of the falls of q before the index `nearest` and the rises after it, (B,)."""
    rises = q[:, 1:] - q[:, :-1]
    after = ops.arange(q.shape[1] - 1, dtype="int32") >= nearest[:, None]
    return ops.sum(ops.relu(ops.where(after, rises, -rises)), axis=-1)


@keras.saving.register_keras_serializable(package="keras_dldl")
class UnimodalConcentratedLoss(GridLoss):
    """Concentrated loss plus lambda times unimodal loss (Li et al. 2022, section 3).

    The concentrated loss is the negative log-likelihood of the label under a Gaussian with the mean
    and variance of the predicted distribution, so the width is learnt for each face; it can be
    negative. The unimodal loss makes the distribution rise up to the label and fall after it.
    Where the paper leaves it open, 1e-10 squared steps are added to the variance, and the mode
    belongs at the label nearest to `y`.

    Args:
        grid: LabelGrid of the predictions, or its config.
        unimodal_weight: the paper's lambda, not below 0.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`; sigmas are not used. Of a mixture: the weighted
            sum of both labels' losses.
        y_pred: (B, K) probabilities or logits.

    >>> import numpy as np
    >>> loss = UnimodalConcentratedLoss(LabelGrid(0, 2), unimodal_weight=0)
    >>> float(loss(np.array([1.0]), np.array([[0.5, 0.0, 0.5]])))
    0.0
    """

    function = staticmethod(unimodal_concentrated_loss)

    def __init__(
        self,
        grid: LabelGrid,
        unimodal_weight: float = 1000.0,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "unimodal_concentrated_loss",
        dtype: str | None = None,
    ):
        self.unimodal_weight = check_number("unimodal_weight", unimodal_weight, minimum=0.0)
        super().__init__(grid, from_logits, reduction, name, dtype)
