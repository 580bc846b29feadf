"""Metrics of the field, streaming and exact on uneven batches: one file a metric."""

from keras_dldl.metrics.cumulative_score import CumulativeScore
from keras_dldl.metrics.epsilon_error import EpsilonError
from keras_dldl.metrics.mae import ExpectationMAE
from keras_dldl.metrics.pearson import ExpectationPearson
from keras_dldl.metrics.rmse import ExpectationRMSE

__all__ = [
    "CumulativeScore",
    "EpsilonError",
    "ExpectationMAE",
    "ExpectationPearson",
    "ExpectationRMSE",
]
