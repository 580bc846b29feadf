"""The loss of DEX: classification into the labels of the grid."""

from typing import Any

import keras
from keras import ops

from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.ops import (
    compute_dtype,
    kl_divergence,
    kl_divergence_from_logits,
    nearest_label,
    target_parts,
    to_tensor,
)


def nearest_label_cross_entropy(
    y_true: Any, y_pred: Any, labels: Any, from_logits: bool = False
) -> Any:
    """Return `-ln q_n` of each row, (B,), where n is the label nearest to `y`.

    The arguments are those of `NearestLabelCrossEntropy`; `labels` is the grid, (K,).

    >>> import numpy as np
    >>> q, labels = np.array([[0.5, 0.25, 0.25]]), np.arange(3.0)
    >>> round(float(nearest_label_cross_entropy(np.array([0.4]), q, labels)[0]), 4)  # ln 2
    0.6931
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, labels.shape[0])
    divergence = kl_divergence_from_logits if from_logits else kl_divergence

    def cross_entropy(y: Any) -> Any:
        # The divergence from a one-hot distribution is the cross-entropy: its own entropy is 0.
        one_hot = ops.one_hot(nearest_label(y, labels), labels.shape[0], dtype=dtype)
        return divergence(one_hot, y_pred)

    parts = target_parts(to_tensor(y_true, dtype), 0.0)
    return sum(weight * cross_entropy(y) for weight, y, _ in parts)


@keras.saving.register_keras_serializable(package="keras_dldl")
class NearestLabelCrossEntropy(GridLoss):
    """Cross-entropy with the nearest label, method DEX (Gao et al. 2018/2020, section 4).

    A label midway between two of the grid counts as the lower one, a label beyond the ends as the
    end.

    Args:
        grid: LabelGrid of the predictions, or its config.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`; sigmas are not used. Of a mixture: the weighted
            sum of both labels' losses.
        y_pred: (B, K) probabilities or logits. Finite where a probability is 0.

    >>> import numpy as np
    >>> loss = NearestLabelCrossEntropy(LabelGrid(0, 2), from_logits=True)
    >>> round(float(loss(np.array([2.0]), np.zeros((1, 3)))), 4)  # ln 3
    1.0986
    """

    function = staticmethod(nearest_label_cross_entropy)

    def __init__(
        self,
        grid: LabelGrid,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "nearest_label_cross_entropy",
        dtype: str | None = None,
    ):
        super().__init__(grid, from_logits, reduction, name, dtype)
