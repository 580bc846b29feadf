"""Metric regression: one output, the value itself, scaled to [-1, 1]."""

from dataclasses import dataclass
from typing import Any

from keras import layers

from keras_dldl.labels import LabelGrid
from keras_dldl.layers.heads import linear_head
from keras_dldl.losses import RegressionLoss
from keras_dldl.methods.base import Method
from keras_dldl.ops import compute_dtype, position_distribution, to_tensor


class _MetricRegression(Method):
    """What both share: the head, and from value to distribution.

    The distribution has mass on the two labels next to the value alone. It says where the value
    lies and nothing of how sure it is.
    """

    norm = ""

    def head(self, features: Any, grid: LabelGrid) -> Any:
        """Return the value scaled to [-1, 1], (B, 1): a linear layer and tanh."""
        linear = linear_head(features, 1)
        return layers.Activation("tanh", dtype="float32", name="scaled_value")(linear)

    def distribution(self, raw: Any, grid: LabelGrid) -> Any:
        """Return the distribution on two neighbouring labels whose expectation is the value."""
        value = to_tensor(raw, compute_dtype(raw))[..., 0]
        return position_distribution((value + 1.0) * ((grid.size - 1) / 2.0), grid.size)

    def loss(self, grid: LabelGrid) -> RegressionLoss:
        """Return the loss over `grid`, of the scaled value."""
        return RegressionLoss(grid, self.norm)


@dataclass(frozen=True)
class MetricRegressionL1(_MetricRegression):
    """Absolute error of the scaled value (Gao et al. 2020, section 4, "MR")."""

    name = "mr-l1"
    summary = "regression of the scaled value, absolute error"
    norm = "l1"


@dataclass(frozen=True)
class MetricRegressionL2(_MetricRegression):
    """Squared error of the scaled value (Gao et al. 2020, section 4, "MR")."""

    name = "mr-l2"
    summary = "regression of the scaled value, squared error"
    norm = "l2"
