"""The mean of two models' weights: one network that is better than either, if they began equal."""

import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.models.face_model import FaceModel
from keras_dldl.models.joining import check_alike, check_share


def average_models(first: FaceModel, second: FaceModel, weight: float = 0.5) -> FaceModel:
    """Return a model whose weights are the weighted mean of the weights of two.

    For models of which one was trained on from the other, or both from a third: between these, the
    error is often lower than at either end (Wortsman et al. 2022, model soups). Between models that
    began from other random weights it is high everywhere.

    Args:
        first: a model; its card and its calibration are not kept.
        second: one that has the same backbone, grid, method, input size, alignment and pooling.
        weight: of the first in the mean, 0 ... 1; the second has the rest.

    Returns:
        A `FaceModel` with the backbone of both.

    Raises:
        ConfigError: models that differ in more than their weights, or a `weight` out of range.
    """
    check_alike(first, second, "averaged")
    weight = check_share(weight)
    averaged = FaceModel.from_config({**first.get_config(), "card": {}, "calibration": None})
    pairs = list(zip(first.get_weights(), second.get_weights(), strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        raise ConfigError(
            "Two models that are averaged must have layers of the same shapes. "
            f"Received: {first.name} and {second.name}."
        )
    averaged.set_weights([np.asarray(weight * a + (1 - weight) * b, a.dtype) for a, b in pairs])
    return averaged
