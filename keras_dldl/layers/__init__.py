"""Layers: decoding a distribution, the normalisation of faces, and the head."""

from keras_dldl.layers.expectation import Expectation
from keras_dldl.layers.heads import OutputBiases, linear_head, shared_ranking_head
from keras_dldl.layers.normalization import FACE_MEAN, FACE_STD, face_normalization
from keras_dldl.layers.variance import DistributionStd

__all__ = [
    "FACE_MEAN",
    "FACE_STD",
    "DistributionStd",
    "Expectation",
    "OutputBiases",
    "face_normalization",
    "linear_head",
    "shared_ranking_head",
]
