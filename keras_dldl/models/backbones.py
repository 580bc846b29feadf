"""Backbones by name: the paper's (Gao et al. 2020, section 4.1) and keras.applications'."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from keras_dldl.arguments import check_choice, did_you_mean
from keras_dldl.errors import ConfigError
from keras_dldl.layers.normalization import face_normalization
from keras_dldl.models.applications import PREFIX, application_map, applications, family_of
from keras_dldl.models.layer_list import Layer, layer_list_features
from keras_dldl.models.nano import nano_age_net_map
from keras_dldl.models.pooling import POOLINGS

MIN_INPUT_SIZE = 32

# Channel widths of the five stages; each stage has 2, 2, 3, 3, 3 convolutions, as in VGG-16.
STAGE_CONVOLUTIONS = (2, 2, 3, 3, 3)
THIN_WIDTHS = (32, 64, 128, 256, 256)
TINY_WIDTHS = (16, 32, 64, 128, 128)
VGG_WIDTHS = (64, 128, 256, 512, 512)


def age_net_map(images, widths: tuple[int, ...]):
    """Return the last feature map of a compressed VGG-16.

    Thirteen 3x3 convolutions without bias, each followed by batch normalisation and ReLU; a 2x2
    max-pooling between stages. The one after the last stage belongs to the paper's hybrid pooling.

    Args:
        images: (B, S, S, 3) images, 0 ... 255.
        widths: channels of the five stages.

    Returns:
        (B, S // 16, S // 16, widths[-1]) features.
    """
    x = images
    for stage, (width, count) in enumerate(zip(widths, STAGE_CONVOLUTIONS, strict=True), 1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage - 1}_pool")(x)
        for k in range(1, count + 1):
            x = _convolution(x, width, f"stage{stage}_conv{k}")
    return x


def _convolution(x, width: int, name: str):
    x = keras.layers.Conv2D(
        width, 3, padding="same", use_bias=False, kernel_initializer=_initializer(), name=name
    )(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _initializer() -> keras.initializers.Initializer:
    # One for each layer: the same object gives two kernels of one shape the same values.
    # N(0, sqrt(2 / (k k n_out))): the paper scales by the fan out, untruncated.
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal"
    )


def vgg16_features(images):
    """Return the 4096 features of VGG-16 with its two fully connected layers: the baseline.

    Convolutions have biases and no batch normalisation, as VGG-16 was published (Simonyan and
    Zisserman 2015). With a 224 x 224 input and 101 labels the model has 134.7 M parameters.
    """
    x = images
    for stage, (width, count) in enumerate(zip(VGG_WIDTHS, STAGE_CONVOLUTIONS, strict=True), 1):
        for k in range(1, count + 1):
            x = keras.layers.Conv2D(
                width, 3, padding="same", activation="relu", kernel_initializer=_initializer(),
                name=f"stage{stage}_conv{k}",
            )(x)  # fmt: skip
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for name in ("fc6", "fc7"):
        x = keras.layers.Dense(4096, activation="relu", name=name)(x)
        x = keras.layers.Dropout(0.5, name=f"{name}_dropout")(x)
    return x


# Each takes normalised symbolic images (B, S, S, 3), and gives its last feature map (B, h, w, C),
# which is then pooled, or, where it has layers of its own for that, its features (B, C).
BACKBONES: dict[str, Callable] = {
    "tiny-age-net": lambda images: age_net_map(images, TINY_WIDTHS),
    "thin-age-net": lambda images: age_net_map(images, THIN_WIDTHS),
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


def features_of(name: str | Sequence[Layer], images: Any, pooling: str | None = None) -> Features:
    """Put a backbone on images.

    Args:
        name: a name in `BACKBONES`, `keras:NAME` of keras.applications, or a list of layers.
        images: symbolic tensor (B, S, S, 3), RGB, 0 ... 255.
        pooling: "hybrid", "average" or "gem"; None is the backbone's own: the paper's networks
            have hybrid pooling, those of keras.applications the average.

    Raises:
        ConfigError: an unknown name, images too small, or a pooling of a network that has none.
    """
    if not isinstance(name, str):
        _refuse_pooling("a list of layers", pooling)
        return Features(*layer_list_features(face_normalization()(images), name))
    check_backbone(name)
    _check_size(name, images.shape[1])
    if pooling is not None:
        check_choice("pooling", pooling, POOLINGS)
    is_foreign = name.startswith(PREFIX)
    if is_foreign:
        x = application_map(name, images)
    else:
        x = BACKBONES[name](face_normalization()(images))
    if len(x.shape) == 4:
        feature_map, vector = POOLINGS[pooling or ("average" if is_foreign else "hybrid")](x)
        return Features(vector, feature_map)
    _refuse_pooling(f"{name}, which has fully connected layers instead", pooling)
    return Features(x, None)


def _refuse_pooling(network: str, pooling: str | None) -> None:
    if pooling is not None:
        raise ConfigError(f"`pooling` must be null for {network}. Received: pooling={pooling!r}")


def check_backbone(name: str) -> None:
    """Raise `ConfigError` unless `name` is a backbone."""
    if isinstance(name, str) and name.startswith(PREFIX):
        family_of(name)
    elif not isinstance(name, str) or name not in BACKBONES:
        known = [*BACKBONES, *(PREFIX + one for one in applications())]
        raise ConfigError(
            f"`model` must be one of {', '.join(map(repr, BACKBONES))}, or '{PREFIX}NAME' with a "
            f"network of keras.applications, such as '{PREFIX}MobileNetV3Small'."
            f"{did_you_mean(name, known)} Received: {name!r}"
        )


def _check_size(name: str, size: int) -> None:
    least = family_of(name).min_size if name.startswith(PREFIX) else MIN_INPUT_SIZE
    if size < least:
        raise ConfigError(
            f"`input_size` of {name} must be at least {least} pixels. Received: input_size={size}"
        )
