"""The loss of ER, expectation regression: the error of the expectation alone."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_choice
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.ops import compute_dtype, expectation, softmax32, split_label_sigma, to_tensor

NORMS = ("l1", "l2")


def predicted_expectation(y_pred: Any, labels: Any, from_logits: bool) -> Any:
    """Return the expectation, (B,), of predictions (B, K) that are probabilities or logits."""
    return expectation(softmax32(y_pred) if from_logits else y_pred, labels)


def expectation_loss(
    y_true: Any, y_pred: Any, labels: Any, norm: str = "l1", from_logits: bool = False
) -> Any:
    """Return `|E(q) - y|` ("l1") or `(E(q) - y)^2` ("l2") of each row, (B,).

    The arguments are those of `ExpectationLoss`; `labels` is the grid, (K,).

    >>> import numpy as np
    >>> q, labels = np.array([[0.5, 0.5]]), np.array([20.0, 30.0])
    >>> [float(expectation_loss(np.array([21.0]), q, labels, norm)[0]) for norm in ("l1", "l2")]
    [4.0, 16.0]
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, labels.shape[0])
    y, _ = split_label_sigma(to_tensor(y_true, dtype), 0.0)
    error = predicted_expectation(y_pred, labels, from_logits) - y
    return ops.abs(error) if norm == "l1" else ops.square(error)


@keras.saving.register_keras_serializable(package="keras_dldl")
class ExpectationLoss(GridLoss):
    """Absolute or squared error of the expectation, method ER (Gao et al. 2018/2020, section 4).

    Args:
        grid: LabelGrid of the predictions, or its config.
        norm: "l1", the absolute error in the grid's unit, or "l2", its square.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`; sigmas are not used. Of a mixture: its expectation.
        y_pred: (B, K) probabilities or logits.

    >>> import numpy as np
    >>> loss = ExpectationLoss(LabelGrid(0, 2))
    >>> float(loss(np.array([2.0]), np.array([[0.5, 0.5, 0.0]])))
    1.5
    """

    function = staticmethod(expectation_loss)

    def __init__(
        self,
        grid: LabelGrid,
        norm: str = "l1",
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "expectation_loss",
        dtype: str | None = None,
    ):
        self.norm = check_choice("norm", norm, NORMS)
        super().__init__(grid, from_logits, reduction, name, dtype)
