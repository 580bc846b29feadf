"""Backbones by name, a file each; see docs/recipes.md on how to add one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_dldl._utils.arguments import check_choice, check_number, did_you_mean
from keras_dldl.errors import ConfigError
from keras_dldl.layers.normalization import face_normalization
from keras_dldl.layers.pooling import GeneralizedMeanPooling
from keras_dldl.models.backbones.age_net import thin_age_net, tiny_age_net
from keras_dldl.models.backbones.applications import (
    PREFIX,
    application_map,
    application_names,
    family_of,
)
from keras_dldl.models.backbones.nano_age_net import nano_age_net_map
from keras_dldl.models.backbones.vgg16 import vgg16_features

MIN_INPUT_SIZE = 32
POOLINGS = ("hybrid", "average", "gem")

# Each takes normalised symbolic images (B, S, S, 3), and gives its last feature map (B, h, w, C),
# which is then pooled, or, where it has layers of its own for that, its features (B, C).
BACKBONES: dict[str, Callable[[Any], Any]] = {
    "tiny-age-net": tiny_age_net,
    "thin-age-net": thin_age_net,
    "nano-age-net": nano_age_net_map,
    "vgg16": vgg16_features,
}


class Features(NamedTuple):
    """What a backbone gives.

    Attributes:
        vector: symbolic tensor (B, C).
        feature_map: symbolic tensor (B, h, w, C) before it is pooled over all places, or None.
    """

    vector: Any
    feature_map: Any


def features_of(name: str, images: Any, pooling: str | None = None) -> Features:
    """Put a backbone on images.

    Args:
        name: a name in `BACKBONES`, or `keras:NAME` of keras.applications.
        images: symbolic tensor (B, S, S, 3), RGB, 0 ... 255.
        pooling: a name in `POOLINGS`; None is the backbone's own: the paper's networks have hybrid
            pooling, those of keras.applications the average.

    Raises:
        ConfigError: an unknown name, images too small, or a pooling of a network that has none.
    """
    check_backbone(name)
    is_foreign = name.startswith(PREFIX)
    least, size = family_of(name).min_size if is_foreign else MIN_INPUT_SIZE, images.shape[1]
    if size < least:
        raise ConfigError(
            f"`input_size` of {name} must be at least {least} pixels. Received: input_size={size}"
        )
    if pooling is not None:
        check_choice("pooling", pooling, POOLINGS)
    if is_foreign:
        x = application_map(name, images)
    else:
        x = BACKBONES[name](face_normalization()(images))
    if len(x.shape) == 4:
        return pool(x, pooling or ("average" if is_foreign else "hybrid"))
    if pooling is not None:
        raise ConfigError(
            f"`pooling` must be null for {name}, which has fully connected layers instead. "
            f"Received: pooling={pooling!r}"
        )
    return Features(x, None)


def check_backbone(name: str) -> None:
    """Raise `ConfigError` unless `name` is a backbone."""
    if isinstance(name, str) and name.startswith(PREFIX):
        family_of(name)
    elif not isinstance(name, str) or name not in BACKBONES:
        known = [*BACKBONES, *(PREFIX + one for one in application_names())]
        raise ConfigError(
            f"`model` must be one of {', '.join(map(repr, BACKBONES))}, or '{PREFIX}NAME' with a "
            f"network of keras.applications, such as '{PREFIX}MobileNetV3Small'."
            f"{did_you_mean(name, known)} Received: {name!r}"
        )


def check_arguments(backbone: str, input_size: int, dropout: float) -> None:
    """Raise `ConfigError` unless there is such a backbone and the numbers are in range."""
    check_backbone(backbone)
    size = check_number("input_size", input_size, minimum=MIN_INPUT_SIZE)
    if size != int(size):
        raise ConfigError(
            f"`input_size` must be a whole number of pixels from {MIN_INPUT_SIZE} up. "
            f"Received: input_size={input_size}"
        )
    if not 0 <= check_number("dropout", dropout) < 1:
        raise ConfigError(f"`dropout` must be in [0, 1). Received: dropout={dropout}")


def pool(feature_map: Any, pooling: str) -> Features:
    """Pool a feature map over all places.

    Args:
        feature_map: symbolic tensor (B, h, w, C).
        pooling: "hybrid", the maximum over 2 x 2 and then the average (Gao et al. 2020, section
            4.1; a map of one pixel is left as it is); "average"; or "gem", the generalised mean
            with a learnt power.
    """
    if pooling == "hybrid" and min(feature_map.shape[1:3]) > 1:
        feature_map = keras.layers.MaxPooling2D(2, name="max_pooling")(feature_map)
    kind = GeneralizedMeanPooling if pooling == "gem" else keras.layers.GlobalAveragePooling2D
    return Features(kind(name=f"{pooling}_pooling")(feature_map), feature_map)
