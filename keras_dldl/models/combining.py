"""Two models as one: the mean of their weights, or both side by side."""

from typing import Any

import keras
import numpy as np

from keras_dldl._utils.arguments import check_number
from keras_dldl.errors import ConfigError
from keras_dldl.models.face_model import FaceModel, build_model

# A backbone, and the one of the same layers with twice the channels.
TWICE_AS_WIDE = {"tiny-age-net": "thin-age-net"}


def average_models(first: FaceModel, second: FaceModel, weight: float = 0.5) -> FaceModel:
    """Return a model whose weights are the weighted mean of the weights of two.

    For a model and one trained from it, or two trained from a third: the mean is often better than
    either (Wortsman et al. 2022, model soups). The mean of models that began from different random
    weights is bad.

    Args:
        first: a model; its card and its calibration are not kept.
        second: one that has the same backbone, grid, method, input size, alignment and pooling.
        weight: of the first in the mean, 0 ... 1; the second has the rest.

    Returns:
        A `FaceModel` with the backbone of both.

    Raises:
        ConfigError: models that differ in more than their weights, or a `weight` out of range.

    >>> from keras_dldl import LabelGrid
    >>> first, second = (build_model("nano-age-net", LabelGrid.age(), input_size=32) for _ in "ab")
    >>> head = [model.get_weights()[-2][0, 0] for model in (first, second)]
    >>> averaged = average_models(first, second, weight=0.25)
    >>> bool(np.isclose(averaged.get_weights()[-2][0, 0], 0.25 * head[0] + 0.75 * head[1]))
    True
    """
    weight = check_alike(first, second, weight, "averaged")
    averaged = FaceModel.from_config({**first.get_config(), "card": {}, "calibration": None})
    pairs = list(zip(first.get_weights(), second.get_weights(), strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        raise ConfigError(
            "Two models that are averaged must have layers of the same shapes. "
            f"Received: {first.name} and {second.name}."
        )
    averaged.set_weights([np.asarray(weight * a + (1 - weight) * b, a.dtype) for a, b in pairs])
    return averaged


def join_models(first: FaceModel, second: FaceModel, weight: float = 0.5) -> FaceModel:
    """Return one model of twice the width that holds two: an ensemble in a single network.

    Every layer holds the channels of both side by side, with zero weights between them; the head
    takes the mean. So the logits are the weighted mean of the two models' logits, and the
    distribution is the normalised geometric mean of theirs. Further training fills the zeros: a
    wide network need not be trained from the beginning (Chen, Goodfellow and Shlens 2016, Net2Net).

    Args:
        first: a model with the backbone tiny-age-net; its card is not kept.
        second: one that has the same backbone, grid, method, input size, alignment and pooling.
        weight: of the first in the mean, 0 ... 1; the second has the rest.

    Returns:
        A `FaceModel` with the backbone thin-age-net.

    Raises:
        ConfigError: no backbone of twice the width, a head that is not one linear layer, models
            that differ in more than their weights, or a `weight` out of range.

    >>> from keras_dldl import LabelGrid
    >>> first, second = (build_model("tiny-age-net", LabelGrid.age(), input_size=32) for _ in "ab")
    >>> join_models(first, second).backbone_name
    'thin-age-net'
    """
    weight = check_alike(first, second, weight, "joined")
    _check_can_be_joined(first, second)
    joined = build_model(
        TWICE_AS_WIDE[first.backbone_name],
        first.grid,
        first.method,
        first.input_size,
        first.alignment,
        first.dropout,
        first.pooling,
    )
    sources = [{layer.name: layer for layer in model.layers} for model in (first, second)]
    for layer in joined.layers:
        if layer.weights:
            _fill(layer, *(layers[layer.name] for layers in sources), weight)
    return joined


def _fill(layer: Any, first: Any, second: Any, weight: float) -> None:
    a, b = ([np.asarray(w) for w in source.get_weights()] for source in (first, second))
    if isinstance(layer, keras.layers.Dense):
        a, b = ([w * share for w in each] for each, share in ((a, weight), (b, 1 - weight)))
        layer.set_weights([np.concatenate([a[0], b[0]]), a[1] + b[1]])
    elif isinstance(layer, keras.layers.Conv2D):
        layer.set_weights([_joined_kernel(a[0], b[0], layer.kernel.shape[2])])
    else:
        layer.set_weights([np.concatenate(pair) for pair in zip(a, b, strict=True)])


def _joined_kernel(a: np.ndarray, b: np.ndarray, channels: int) -> np.ndarray:
    """Return kernels (h, w, I, O) side by side; both read all channels, or each its own half."""
    if channels == a.shape[2]:
        return np.concatenate([a, b], axis=3)
    nothing = np.zeros_like(a)
    rows = [np.concatenate(pair, axis=3) for pair in ((a, nothing), (nothing, b))]
    return np.concatenate(rows, axis=2)


def check_alike(first: FaceModel, second: FaceModel, weight: float, done: str) -> float:
    """Return `weight`, of two models that may be `done`, as they differ in their weights alone.

    Raises:
        ConfigError: they differ in more, or `weight` is no share.
    """
    names = ("backbone_name", "grid", "method", "input_size", "alignment", "pooling")
    for name in names:
        pair = [getattr(model, name) for model in (first, second)]
        if pair[0] != pair[1]:
            raise ConfigError(
                f"Two models that are {done} must have the same {', '.join(names)}. "
                f"Received: {name} {pair[0]} and {pair[1]}."
            )
    weight = check_number("weight", weight, minimum=0)
    if weight > 1:
        raise ConfigError(
            f"`weight` is not valid. It must be a share, 0 ... 1. Received: weight={weight:g}"
        )
    return weight


def _check_can_be_joined(first: FaceModel, second: FaceModel) -> None:
    if first.backbone_name not in TWICE_AS_WIDE:
        raise ConfigError(
            "Only models with a backbone that has a wider namesake can be joined: "
            f"{', '.join(TWICE_AS_WIDE)}. Received: {first.backbone_name}."
        )
    for model in (first, second):
        if model.head_kernel is None or "logits" not in {layer.name for layer in model.layers}:
            raise ConfigError(
                "Only models whose head is one linear layer can be joined. "
                f"Received: method {model.method.name}."
            )
