"""The loss of the ranking methods: K - 1 binary answers to "is it older than l_k?"."""

from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_choice
from keras_dldl.labels import LabelGrid
from keras_dldl.losses.base import GridLoss, check_predictions
from keras_dldl.ops import compute_dtype, ranking_code, smallest, target_parts, to_tensor

RANKING_NORMS = ("bce", "l2")


def ranking_loss(
    y_true: Any, y_pred: Any, labels: Any, norm: str = "bce", from_logits: bool = False
) -> Any:
    """Return the error of the answers, summed over the K-1 labels, of each row, (B,).

    With the ranking code `r_k = 1(y > l_k)` and the answers `q_k`: "bce" is
    `-sum_k r_k ln q_k + (1 - r_k) ln(1 - q_k)`, "l2" is `sum_k (q_k - r_k)^2`. The arguments are
    those of `RankingLoss`; `labels` is the grid, (K,).

    >>> import numpy as np
    >>> y, q, labels = np.array([1.0]), np.array([[0.5, 0.5]]), np.arange(3.0)
    >>> round(float(ranking_loss(y, q, labels)[0]), 4)  # 2 ln 2
    1.3863
    >>> float(ranking_loss(y, q, labels, "l2")[0])
    0.5
    """
    dtype = compute_dtype(y_pred)
    labels, y_pred = to_tensor(labels, dtype), to_tensor(y_pred, dtype)
    check_predictions(y_pred, labels.shape[0] - 1)
    parts = target_parts(to_tensor(y_true, dtype), 0.0)
    code = sum(weight[:, None] * ranking_code(y, labels) for weight, y, _ in parts)
    if norm == "l2":
        answers = ops.sigmoid(y_pred) if from_logits else y_pred
        return ops.sum(ops.square(answers - code), axis=-1)
    if from_logits:  # -ln sigmoid(x) is softplus(-x), which keeps the digits of a sure answer
        yes, no = ops.softplus(-y_pred), ops.softplus(y_pred)
    else:
        yes, no = (-ops.log(ops.maximum(q, smallest(q))) for q in (y_pred, 1.0 - y_pred))
    return ops.sum(code * yes + (1.0 - code) * no, axis=-1)


@keras.saving.register_keras_serializable(package="keras_dldl")
class RankingLoss(GridLoss):
    """Binary cross-entropy or squared error of the ranking code, summed over its K-1 answers.

    Both norms are of Gao et al. 2018/2020, section 4. Niu et al. 2016 (OR-CNN) and Cao, Mirjalili
    and Raschka 2020, section 3 (CORAL), weight the answers by an importance; here it is 1 for all.

    Args:
        grid: LabelGrid of the labels, or its config.
        norm: "bce", binary cross-entropy, or "l2", the squared error of the probabilities.
        from_logits: whether `y_pred` holds logits instead of probabilities. Logits are exact at
            any size; probabilities under 1e-38 are lost.
        reduction, name, dtype: as in `GridLoss`, and so are the errors.

    Call arguments:
        y_true: as in `LabelDistributionLoss`; sigmas are not used.
        y_pred: (B, K-1) probabilities that y is above each label but the last, or logits of them.

    >>> import numpy as np
    >>> loss = RankingLoss(LabelGrid(0, 2), from_logits=True)
    >>> round(float(loss(np.array([2.0]), np.zeros((1, 2)))), 4)  # 2 ln 2
    1.3863
    """

    function = staticmethod(ranking_loss)

    def __init__(
        self,
        grid: LabelGrid,
        norm: str = "bce",
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ranking_loss",
        dtype: str | None = None,
    ):
        self.norm = check_choice("norm", norm, RANKING_NORMS)
        super().__init__(grid, from_logits, reduction, name, dtype)
