"""The loss of DLDL-v2, and with `expectation_weight=0` of DLDL."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_choice, check_number
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.losses.expectation import predicted_expectation
from keras_dldl.ops import (
    compute_dtype,
    kl_divergence,
    kl_divergence_from_logits,
    split_label_sigma,
    target_distribution,
    to_tensor,
)

KL_REDUCTIONS = ("sum", "mean")


def label_distribution_loss(
    y_true: Any,
    y_pred: Any,
    labels: Any,
    sigma: float = 2.0,
    expectation_weight: float = 1.0,
    from_logits: bool = False,
    kl_reduction: str = "sum",
) -> Any:
    """Return `KL(p || q) + expectation_weight * |E(q) - y|` of each row, (B,).

    The arguments are those of `LabelDistributionLoss`; `labels` is the grid, (K,). Computed in
    float64 where `y_pred` has it, else in float32.

    >>> import numpy as np
    >>> y, q, labels = np.array([[1.0, 0.0]]), np.array([[0.2, 0.5, 0.3]]), np.arange(3.0)
    >>> round(float(label_distribution_loss(y, q, labels)[0]), 4)  # ln 2 + |1.1 - 1|
    0.7931
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, labels.shape[0])
    y_true = to_tensor(y_true, dtype)
    y, _ = split_label_sigma(y_true, sigma)
    p = target_distribution(y_true, sigma, labels)
    divergence = kl_divergence_from_logits if from_logits else kl_divergence
    loss = divergence(p, y_pred)
    if kl_reduction == "mean":
        loss = loss / labels.shape[0]
    if expectation_weight:
        error = ops.abs(predicted_expectation(y_pred, labels, from_logits) - y)
        loss = loss + expectation_weight * error
    return loss


@keras.saving.register_keras_serializable(package="keras_dldl")
class LabelDistributionLoss(GridLoss):
    """Kullback-Leibler divergence of label distributions plus error of their expectation.

    `L = sum_k p_k ln(p_k / q_k) + expectation_weight * |sum_k l_k q_k - y|`, where `p` is the
    Gaussian around the label (Gao et al. 2018/2020, section 3). With `expectation_weight=0` it
    is the loss of DLDL, the method without the expectation.

    Args:
        grid: LabelGrid of the predictions, or its config.
        sigma: standard deviation of the label distribution, in the grid's unit, for rows without
            their own; not below 0. 0 puts all mass on the nearest label.
        expectation_weight: the paper's lambda, not below 0.
        from_logits: whether `y_pred` holds logits instead of probabilities. Logits are exact
            at any size; probabilities under 1e-38 are lost.
        kl_reduction: "sum" over the grid (the paper), or "mean" (the paper's program), which
            divides the divergence by K.
        reduction, name, dtype: as in `GridLoss`.

    Call arguments:
        y_true: (B,) or (B, 1): labels; (B, 2): label and sigma (negative or NaN: not given); or
            (B, 5), a mixture: label, sigma, second label, its sigma, and the weight w of the
            first, for `p = w p_1 + (1 - w) p_2` and `y = w y_1 + (1 - w) y_2`. Labels may lie
            beyond the ends of the grid.
        y_pred: (B, K) probabilities or logits; half precision is raised to float32.

    Raises:
        ConfigError: an argument is of the wrong kind or out of range.
        ValueError: on call, `y_true` or `y_pred` has the wrong shape.

    >>> import numpy as np
    >>> loss = LabelDistributionLoss(LabelGrid(0, 2), sigma=1.0)
    >>> round(float(loss(np.array([1.0]), np.array([[1 / 3, 1 / 3, 1 / 3]]))), 4)
    0.0302
    """

    function = staticmethod(label_distribution_loss)

    def __init__(
        self,
        grid: LabelGrid,
        sigma: float = 2.0,
        expectation_weight: float = 1.0,
        from_logits: bool = False,
        kl_reduction: str = "sum",
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "label_distribution_loss",
        dtype: str | None = None,
    ):
        self.sigma = check_number("sigma", sigma, minimum=0.0)
        self.expectation_weight = check_number(
            "expectation_weight", expectation_weight, minimum=0.0
        )
        self.kl_reduction = check_choice("kl_reduction", kl_reduction, KL_REDUCTIONS)
        super().__init__(grid, from_logits, reduction, name, dtype)
