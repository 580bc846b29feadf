"""The methods with a linear layer and a softmax over the grid, decoded by the expectation.

They differ in the target and the loss alone.
"""

from dataclasses import dataclass

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import (
    ExpectationLoss,
    LabelDistributionLoss,
    MeanVarianceLoss,
    NearestLabelCrossEntropy,
    SoftLabelLoss,
    UnimodalConcentratedLoss,
)
from keras_dldl.methods.base import Method


@dataclass(frozen=True)
class DLDLv2(Method):
    """KL divergence from the label distribution, plus L1 on the expectation (Gao et al. 2018).

    Args:
        sigma: of the label distribution where the data bring none, in the grid's unit.
        expectation_weight: the paper's lambda.
        kl_reduction: "sum" over the grid (the paper) or "mean" (its program).
    """

    name = "dldl-v2"
    summary = "KL divergence from the label distribution, plus L1 on the expectation"

    sigma: float = 2.0
    expectation_weight: float = 1.0
    kl_reduction: str = "sum"

    def loss(self, grid: LabelGrid) -> LabelDistributionLoss:
        """Return the loss over `grid`, from logits."""
        return LabelDistributionLoss(
            grid, self.sigma, self.expectation_weight, True, self.kl_reduction
        )


@dataclass(frozen=True)
class DLDL(Method):
    """KL divergence from the label distribution (Gao, Xing, Xie, Wu and Geng 2017).

    Args:
        sigma: of the label distribution where the data bring none, in the grid's unit.
        kl_reduction: see `DLDLv2`.
    """

    name = "dldl"
    summary = "KL divergence from the label distribution"

    sigma: float = 2.0
    kl_reduction: str = "sum"

    def loss(self, grid: LabelGrid) -> LabelDistributionLoss:
        """Return the loss over `grid`, from logits."""
        return LabelDistributionLoss(grid, self.sigma, 0.0, True, self.kl_reduction)


@dataclass(frozen=True)
class ExpectationRegression(Method):
    """L1 or L2 on the expectation alone (Gao et al. 2020, section 4, "ER").

    Args:
        norm: "l1" or "l2".
    """

    name = "er"
    summary = "L1 or L2 on the expectation alone"

    norm: str = "l1"

    def loss(self, grid: LabelGrid) -> ExpectationLoss:
        """Return the loss over `grid`, from logits."""
        return ExpectationLoss(grid, self.norm, from_logits=True)


@dataclass(frozen=True)
class DEX(Method):
    """Cross-entropy with the nearest label (Rothe, Timofte and Van Gool 2018)."""

    name = "dex"
    summary = "cross-entropy with the nearest label"

    def loss(self, grid: LabelGrid) -> NearestLabelCrossEntropy:
        """Return the loss over `grid`, from logits."""
        return NearestLabelCrossEntropy(grid, from_logits=True)


@dataclass(frozen=True)
class MeanVariance(Method):
    """Cross-entropy plus the error of the mean plus the variance (Pan et al. 2018, section 3).

    Args:
        mean_weight: the paper's lambda_1.
        variance_weight: the paper's lambda_2.
    """

    name = "mean-variance"
    summary = "cross-entropy, squared error of the mean, and variance"

    mean_weight: float = 0.2
    variance_weight: float = 0.05

    def loss(self, grid: LabelGrid) -> MeanVarianceLoss:
        """Return the loss over `grid`, from logits."""
        return MeanVarianceLoss(grid, self.mean_weight, self.variance_weight, from_logits=True)


@dataclass(frozen=True)
class SORD(Method):
    """KL divergence from the softmax of negative distances (Diaz and Marathe 2019, equation 1).

    Args:
        distance: "absolute" or "squared", counted in steps of the grid.
        scale: factor before the distance; the greater, the narrower the target.
    """

    name = "sord"
    summary = "KL divergence from soft labels, the softmax of negative distances"

    distance: str = "absolute"
    scale: float = 1.0

    def loss(self, grid: LabelGrid) -> SoftLabelLoss:
        """Return the loss over `grid`, from logits."""
        return SoftLabelLoss(grid, self.distance, self.scale, from_logits=True)


@dataclass(frozen=True)
class UnimodalConcentrated(Method):
    """A Gaussian likelihood whose variance is the distribution's own, plus a penalty on second
    modes (Li et al. 2022, section 3).

    Args:
        unimodal_weight: the paper's lambda.
    """

    name = "unimodal-concentrated"
    summary = "likelihood under the distribution's own mean and variance; one mode only"

    unimodal_weight: float = 1000.0

    def loss(self, grid: LabelGrid) -> UnimodalConcentratedLoss:
        """Return the loss over `grid`, from logits."""
        return UnimodalConcentratedLoss(grid, self.unimodal_weight, from_logits=True)
