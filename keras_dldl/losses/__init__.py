"""Losses on label distributions: one file a loss, a pure function and a thin class over it."""

from keras_dldl.losses.cross_entropy import (
    NearestLabelCrossEntropy,
    nearest_label_cross_entropy,
)
from keras_dldl.losses.expectation import ExpectationLoss, expectation_loss
from keras_dldl.losses.label_distribution import LabelDistributionLoss, label_distribution_loss

__all__ = [
    "ExpectationLoss",
    "LabelDistributionLoss",
    "NearestLabelCrossEntropy",
    "expectation_loss",
    "label_distribution_loss",
    "nearest_label_cross_entropy",
]
