"""The networks of `keras.applications` as backbones, each with its own preprocessing."""

import inspect
from typing import Any, NamedTuple

import keras

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.errors import ConfigError
from keras_dldl.layers.normalization import image_normalization

PREFIX = "keras:"
_IMAGENET_MEAN = (0.485, 0.456, 0.406)  # red, green, blue; images in [0, 1]
_IMAGENET_STD = (0.229, 0.224, 0.225)
_UNIT = ((127.5,) * 3, (127.5,) * 3)  # pixels to -1 ... 1
_STANDARD = (
    tuple(255 * mean for mean in _IMAGENET_MEAN),
    tuple(255 * std for std in _IMAGENET_STD),
)


class Family(NamedTuple):
    """What the networks of one family share.

    Attributes:
        mean: red, green and blue, taken from pixels in 0 ... 255.
        std: red, green and blue, by which the difference is divided.
        reverse: whether the network takes blue, green, red.
        min_size: smallest input in pixels.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    reverse: bool = False
    min_size: int = 32


_CAFFE = Family((123.68, 116.779, 103.939), (1.0, 1.0, 1.0), reverse=True)
# By the beginning of the name; the longest that fits counts.
FAMILIES = {
    "ConvNeXt": Family(*_STANDARD),
    "DenseNet": Family(*_STANDARD),
    # Its first layers divide by 255 and normalise by weights that are left at the identity.
    "EfficientNetB": Family(_STANDARD[0], _IMAGENET_STD),
    "EfficientNetV2B": Family(*_STANDARD),
    "EfficientNetV2": Family((128.0,) * 3, (128.0,) * 3),
    "InceptionResNetV2": Family(*_UNIT, min_size=75),
    "InceptionV3": Family(*_UNIT, min_size=75),
    "MobileNet": Family(*_UNIT),
    "NASNet": Family(*_UNIT),
    "ResNet": _CAFFE,
    "ResNet50V2": Family(*_UNIT),
    "ResNet101V2": Family(*_UNIT),
    "ResNet152V2": Family(*_UNIT),
    "VGG": _CAFFE,
    "Xception": Family(*_UNIT, min_size=71),
}


def application_names() -> list[str]:
    """Return the names of the networks, without `keras:`, as far as this Keras has them."""
    found = [name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)]
    return sorted(name for name in found if _family_name(name))


def family_of(name: str) -> Family:
    """Return what is known of `keras:NAME`.

    Raises:
        ConfigError: there is no such network.
    """
    short = name.removeprefix(PREFIX)
    known = application_names()
    if short not in known:
        near = did_you_mean(name, [PREFIX + one for one in known])
        raise ConfigError(
            f"After `{PREFIX}` must stand a network of keras.applications: {', '.join(known)}."
            f"{near} Received: {name!r}"
        )
    return FAMILIES[_family_name(short)]


def application_map(name: str, images: Any) -> Any:
    """Return the last feature map of `keras:NAME`, untrained.

    Args:
        name: such as "keras:MobileNetV3Small".
        images: symbolic tensor (B, S, S, 3), RGB, 0 ... 255.

    Returns:
        Symbolic tensor (B, h, w, C).
    """
    family = family_of(name)
    normalized = image_normalization(family.mean, family.std, reverse=family.reverse)(images)
    return new_network(name, images.shape[1])(normalized)


def new_network(name: str, input_size: int, weights: str | None = None) -> keras.Model:
    """Return the network of keras.applications itself, without its classifier.

    Args:
        name: such as "keras:MobileNetV3Small".
        input_size: side of the input in pixels.
        weights: None, or "imagenet", which reads Keras's cache or the network.
    """
    make = getattr(keras.applications, name.removeprefix(PREFIX))
    options = {"include_top": False, "weights": weights, "input_shape": (input_size,) * 2 + (3,)}
    if "include_preprocessing" in inspect.signature(make).parameters:
        options["include_preprocessing"] = False  # ours computes in float32 under any policy
    return make(**options)


def _family_name(name: str) -> str:
    fitting = [prefix for prefix in FAMILIES if name.startswith(prefix)]
    return max(fitting, key=len, default="")
