"""The loss of identities: a softmax over people, with a margin on the angle if wanted."""

import math
from typing import Any

import keras
from keras import ops

from keras_dldl._utils.arguments import check_choice, check_number
from keras_dldl.losses.base import FullPrecisionLoss

KINDS = ("softmax", "cosine", "arc")


def margin_softmax(
    y_true: Any, y_pred: Any, kind: str = "softmax", margin: float = 0.0, scale: float = 1.0
) -> Any:
    """Return the cross-entropy of each row, (B,); the arguments are those of `MarginSoftmax`.

    >>> import numpy as np
    >>> cosines = np.array([[0.5, 0.0]])
    >>> round(float(margin_softmax(np.array([0]), cosines, "cosine", 0.5)[0]), 4)  # ln 2
    0.6931
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    if kind != "softmax":
        own = ops.one_hot(labels, y_pred.shape[1], dtype=y_pred.dtype)
        shifted = y_pred - margin if kind == "cosine" else _add_angle(y_pred, margin)
        y_pred = scale * ops.where(own > 0, shifted, y_pred)
    return ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=True)


def _add_angle(cosine: Any, margin: float) -> Any:
    """Return cos(angle + margin), and below the turn at pi a line that keeps falling."""
    # The slope of the root is infinite at 0, so at an angle of 0 or pi it is not taken.
    squared = 1.0 - cosine * cosine
    apart = squared > 1e-12
    sine = ops.where(apart, ops.sqrt(ops.where(apart, squared, 1.0)), 0.0)
    turned = cosine * math.cos(margin) - sine * math.sin(margin)
    return ops.where(
        cosine > math.cos(math.pi - margin), turned, cosine - margin * math.sin(margin)
    )


@keras.saving.register_keras_serializable(package="keras_dldl")
class MarginSoftmax(FullPrecisionLoss):
    """Cross-entropy over people, of logits, or of cosines with a margin on the right one's.

    Args:
        kind: "softmax": `y_pred` are logits (Gao et al. 2020 pre-train so); "cosine": the right
            cosine is lowered by `margin` (Wang et al. 2018, CosFace, equation 4); "arc": its angle
            is widened by `margin` (Deng et al. 2019, ArcFace, equation 3).
        margin: 0 or more; radians for "arc". Not for "softmax".
        scale: cosines are multiplied by it. Not for "softmax".
        reduction, name: as in Keras.
        dtype: float64 or float32, to which Keras casts both arguments; None is the Keras default.
            Half precision is raised to float32.

    Call arguments:
        y_true: (B,) or (B, 1) column of the right person.
        y_pred: (B, R) logits or cosines.

    Raises:
        ConfigError: an argument is of the wrong kind or out of range.
    """

    def __init__(
        self,
        kind: str = "softmax",
        margin: float = 0.0,
        scale: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "margin_softmax",
        dtype: str | None = None,
    ):
        self.kind = check_choice("kind", kind, KINDS)
        self.margin = check_number("margin", margin, minimum=0)
        self.scale = check_number("scale", scale, minimum=0, exclusive=True)
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row, (B,)."""
        return margin_softmax(y_true, y_pred, self.kind, self.margin, self.scale)
