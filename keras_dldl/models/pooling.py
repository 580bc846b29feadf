"""From the last feature map to the feature vector."""

from typing import Any

import keras

from keras_dldl.layers.pooling import GeneralizedMeanPooling


def hybrid_pooling(feature_map: Any) -> tuple[Any, Any]:
    """Take the maximum over 2 x 2, then the average: the paper's hybrid pooling.

    Gao et al. 2020, section 4.1. A map of one pixel is left as it is.

    Args:
        feature_map: symbolic tensor (B, h, w, C).

    Returns:
        The map that is averaged, (B, h // 2, w // 2, C), and the features, (B, C).
    """
    if min(feature_map.shape[1:3]) > 1:
        feature_map = keras.layers.MaxPooling2D(2, name="max_pooling")(feature_map)
    return feature_map, keras.layers.GlobalAveragePooling2D(name="hybrid_pooling")(feature_map)


def average_pooling(feature_map: Any) -> tuple[Any, Any]:
    """Take the average; arguments and results as in `hybrid_pooling`, the map as it is."""
    pool = keras.layers.GlobalAveragePooling2D(name="average_pooling")
    return feature_map, pool(feature_map)


def generalized_mean_pooling(feature_map: Any) -> tuple[Any, Any]:
    """Take the generalised mean with a learnt power; the rest as in `average_pooling`."""
    return feature_map, GeneralizedMeanPooling(name="gem_pooling")(feature_map)


POOLINGS = {
    "hybrid": hybrid_pooling,
    "average": average_pooling,
    "gem": generalized_mean_pooling,
}
