"""Losses of the methods: one file a loss, a pure function and a thin class over it."""

from keras_dldl.losses.base import GridLoss
from keras_dldl.losses.cross_entropy import (
    NearestLabelCrossEntropy,
    nearest_label_cross_entropy,
)
from keras_dldl.losses.expectation import ExpectationLoss, expectation_loss
from keras_dldl.losses.label_distribution import LabelDistributionLoss, label_distribution_loss
from keras_dldl.losses.margin_softmax import MarginSoftmax, margin_softmax
from keras_dldl.losses.mean_variance import MeanVarianceLoss, mean_variance_loss
from keras_dldl.losses.ranking import RankingLoss, ranking_loss
from keras_dldl.losses.regression import RegressionLoss, regression_loss
from keras_dldl.losses.soft_labels import SoftLabelLoss, soft_label_loss
from keras_dldl.losses.unimodal import UnimodalConcentratedLoss, unimodal_concentrated_loss

__all__ = [
    "ExpectationLoss",
    "GridLoss",
    "LabelDistributionLoss",
    "MarginSoftmax",
    "MeanVarianceLoss",
    "NearestLabelCrossEntropy",
    "RankingLoss",
    "RegressionLoss",
    "SoftLabelLoss",
    "UnimodalConcentratedLoss",
    "expectation_loss",
    "label_distribution_loss",
    "margin_softmax",
    "mean_variance_loss",
    "nearest_label_cross_entropy",
    "ranking_loss",
    "regression_loss",
    "soft_label_loss",
    "unimodal_concentrated_loss",
]
