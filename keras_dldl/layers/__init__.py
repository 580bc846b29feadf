"""Layers: decoding a distribution, the normalisation of faces, pooling, and the head."""

from keras_dldl.layers.heads import OutputBiases, linear_head, shared_ranking_head
from keras_dldl.layers.moments import DistributionStd, Expectation
from keras_dldl.layers.normalization import (
    FACE_MEAN,
    FACE_STD,
    ImageNormalization,
    face_normalization,
    image_normalization,
)
from keras_dldl.layers.pooling import GeneralizedMeanPooling

__all__ = [
    "FACE_MEAN",
    "FACE_STD",
    "DistributionStd",
    "Expectation",
    "GeneralizedMeanPooling",
    "ImageNormalization",
    "OutputBiases",
    "face_normalization",
    "image_normalization",
    "linear_head",
    "shared_ranking_head",
]
