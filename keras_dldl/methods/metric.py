"""The mean absolute error of a method's own decoded value, while it trains."""

from typing import Any

import keras

from keras_dldl.labels import LabelGrid
from keras_dldl.methods.base import Method
from keras_dldl.methods.registry import get_method
from keras_dldl.metrics import ExpectationMAE
from keras_dldl.ops import decode, to_tensor


@keras.saving.register_keras_serializable(package="keras_dldl")
class MethodMAE(ExpectationMAE):
    """Mean of `|y_hat - y|` with y_hat decoded by the method, as prediction decodes it.

    Args:
        method: the method, or its name or config.
        grid: the label grid, or its config.
        from_logits: whether `y_pred` holds the raw outputs of the method's head instead of
            probabilities.
        name: name of the metric. Default None: "mae".
        dtype: dtype of the computation, at least float32.

    Call arguments:
        y_true: as in `losses.LabelDistributionLoss`; sigmas are not used. Of a mixture: its
            expectation.
        y_pred: (B, R), the raw outputs of the method's head, or (B, K) probabilities.
        sample_weight: weights of the rows.
    """

    def __init__(
        self,
        method: str | Method | dict,
        grid: LabelGrid,
        from_logits: bool = True,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(grid, from_logits, name, dtype)
        self.method = get_method(method)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        p = to_tensor(y_pred, self.sum_dtype)
        if self.from_logits:
            p = self.method.distribution(p, self.grid)
        value = decode(p, self.grid.labels64, self.method.decoder)
        super().update_state(y_true, value, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        return {**super().get_config(), "method": self.method.get_config()}
