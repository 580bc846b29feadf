"""Pearson correlation of expectation and label over a data set."""

from typing import Any

import keras
import numpy as np
from keras import backend, ops

from keras_dldl.metrics.base import GridMetric


@keras.saving.register_keras_serializable(package="keras_dldl")
class ExpectationPearson(GridMetric):
    """Pearson correlation (PC) of predictions and labels, from -1 to 1.

    One correlation over all rows seen, not a mean over batches (Gao et al. 2020, section 4). It
    merges means and central moments batch by batch, so it stays exact where the mean is much
    larger than the spread. The result is 0 where it is not defined: fewer than two rows, or
    constant predictions or labels. Under a distribution strategy, evaluate on one device.

    Args:
        grid: LabelGrid of the predictions, or its config.
        from_logits: whether `y_pred` (B, K) holds logits instead of probabilities.
        name: name of the metric. Default None: "pearson".
        dtype: dtype of the computation, at least float32.

    Call arguments: as those of `ExpectationMAE`; weights not below 0.

    >>> from keras_dldl.labels import LabelGrid
    >>> metric = ExpectationPearson(LabelGrid.age())
    >>> metric.update_state(np.array([20.0, 30.0]), np.array([21.0, 28.0]))
    >>> metric.update_state(np.array([40.0]), np.array([35.0]))
    >>> round(float(metric.result()), 4)
    1.0
    """

    default_name = "pearson"
    _direction = "up"

    def add_state(self) -> None:
        """Make the weight, the means and the moments."""
        self.weight = self.add_variable((), "zeros", dtype=self.sum_dtype, name="weight")
        self.means = self.add_variable((2,), "zeros", dtype=self.sum_dtype, name="means")
        # Sums of the squared deviations of y, of y_hat, and of their products.
        self.moments = self.add_variable((3,), "zeros", dtype=self.sum_dtype, name="moments")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Merge a batch; its arguments are those of the other metrics."""
        y, y_hat, _, row_weight = self.rows(y_true, y_pred, sample_weight)
        weight, means, moments = _batch_moments(ops.stack([y, y_hat]), row_weight)
        total = self.weight + weight
        share = ops.divide_no_nan(weight, total)
        shift = means - self.means
        # Of two groups pooled (Chan, Golub and LeVeque, 1979).
        between = _products(shift) * self.weight * share
        self.moments.assign(self.moments + moments + between)
        self.means.assign(self.means + shift * share)
        self.weight.assign(total)

    def result(self) -> Any:
        """Return the correlation over all rows so far, or 0 where it is not defined."""
        weight, means, moments = (
            ops.convert_to_tensor(x) for x in (self.weight, self.means, self.moments)
        )
        sums = ops.sqrt(moments[:2])
        # Equal values still differ from their rounded mean by about half an epsilon.
        epsilon = float(np.finfo(backend.standardize_dtype(means.dtype)).eps)
        noise = 4.0 * epsilon * ops.abs(means) * ops.sqrt(weight)
        varied = ops.all(sums > noise)
        # Divided twice: the product of two small sums would be 0.
        pearson = ops.divide_no_nan(ops.divide_no_nan(moments[2], sums[0]), sums[1])
        return ops.where(varied, ops.clip(pearson, -1.0, 1.0), 0.0)


def _products(pair: Any) -> Any:
    return ops.stack([pair[0] * pair[0], pair[1] * pair[1], pair[0] * pair[1]])


def _batch_moments(pairs: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return total weight (), means (2,) and central moments (3,) of `pairs` (2, B)."""
    total = ops.sum(weight)

    def mean(values: Any) -> Any:
        return ops.divide_no_nan(ops.sum(values * weight, axis=-1, keepdims=True), total)

    means = mean(pairs)
    means = means + mean(pairs - means)  # a second pass takes out the rounding of the first
    deviations = pairs - means
    return total, means[:, 0], ops.sum(_products(deviations) * weight, axis=-1)
