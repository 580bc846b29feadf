"""The loss of SORD: divergence from soft labels, the softmax of negative distances."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_choice, check_number
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.ops import (
    compute_dtype,
    kl_divergence,
    kl_divergence_from_logits,
    target_parts,
    to_tensor,
)

DISTANCES = ("absolute", "squared")


def soft_labels(y: Any, labels: Any, distance: str = "absolute", scale: float = 1.0) -> Any:
    """Return `softmax_k(-scale phi(y, l_k))`, phi the distance in steps of the grid, (B, K).

    Args:
        y: labels, (B,), in the grid's unit; those beyond the ends count as the end.
        labels: the grid, (K,).
        distance: "absolute" or "squared".
        scale: factor before the distance.

    >>> import numpy as np
    >>> p = soft_labels(np.array([1.0]), np.arange(3.0), scale=np.log(2))
    >>> np.asarray(p).round(4).tolist()
    [[0.25, 0.5, 0.25]]
    """
    dtype = compute_dtype(y, labels)
    y, labels = to_tensor(y, dtype), to_tensor(labels, dtype)
    y = ops.clip(y, labels[0], labels[-1])
    steps = (labels - y[..., None]) / (labels[1] - labels[0])
    phi = ops.abs(steps) if distance == "absolute" else ops.square(steps)
    return ops.softmax(-scale * phi, axis=-1)


def soft_label_loss(
    y_true: Any,
    y_pred: Any,
    labels: Any,
    distance: str = "absolute",
    scale: float = 1.0,
    from_logits: bool = False,
) -> Any:
    """Return the divergence of the predictions from the soft labels of each row, (B,).

    The arguments are those of `SoftLabelLoss`; `labels` is the grid, (K,).

    >>> loss = soft_label_loss([1.0], [[1 / 3, 1 / 3, 1 / 3]], labels=[0, 1, 2])
    >>> round(float(loss[0]), 3)  # ln 3 less the entropy of softmax(-1, 0, -1), 0.975
    0.123
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, labels.shape[0])
    target = sum(
        weight[:, None] * soft_labels(y, labels, distance, scale)
        for weight, y, _ in target_parts(to_tensor(y_true, dtype), 0.0)
    )
    divergence = kl_divergence_from_logits if from_logits else kl_divergence
    return divergence(target, y_pred)


@keras.saving.register_keras_serializable(package="keras_dldl")
class SoftLabelLoss(GridLoss):
    """KL divergence from soft labels, method SORD (Diaz and Marathe 2019, equation 1).

    The paper leaves the distance phi to the task; here it is the absolute difference in steps of
    the grid, or its square. The square is a Gaussian of sigma `sqrt(1 / (2 scale))` steps, so DLDL.
    The divergence is the cross-entropy less the target's entropy, which has no gradient.

    Args:
        grid: LabelGrid of the predictions, or its config.
        distance: "absolute" or "squared".
        scale: factor of the distance, above 0; the greater, the narrower the target.
        from_logits: whether `y_pred` holds logits instead of probabilities.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`; sigmas are not used. Labels beyond the ends count as
            the end.
        y_pred: (B, K) probabilities or logits.

    >>> import numpy as np
    >>> loss = SoftLabelLoss(LabelGrid(0, 2), from_logits=True)
    >>> round(float(loss(np.array([0.0]), np.array([[0.0, 0.0, 0.0]]))), 4)
    0.2662
    """

    function = staticmethod(soft_label_loss)

    def __init__(
        self,
        grid: LabelGrid,
        distance: str = "absolute",
        scale: float = 1.0,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "soft_label_loss",
        dtype: str | None = None,
    ):
        self.distance = check_choice("distance", distance, DISTANCES)
        self.scale = check_number("scale", scale, minimum=0.0, exclusive=True)
        super().__init__(grid, from_logits, reduction, name, dtype)
