"""The models that are measured: by name, at the size asked for; their arithmetic."""

import math
from dataclasses import dataclass

import keras

from keras_dldl.errors import ConfigError
from keras_dldl.export.faces import drawn_faces
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel, build_model, load_model
from keras_dldl.models.backbones import BACKBONES, PREFIX

SETTLED_ON = 8  # drawn faces
SEED = 0


@dataclass(frozen=True)
class Subject:
    """A model to measure.

    Attributes:
        name: as it was asked for.
        model: the model.
        is_trained: whether its weights were learnt; else differences between engines say little.
    """

    name: str
    model: FaceModel
    is_trained: bool


def subject(name: str) -> Subject:
    """Return the model that is meant.

    Args:
        name: a backbone, which is then untrained and of 224 x 224 pixels; or a shipped model's name
            or a path. After an `@` may stand another side of the input in pixels, for backbones
            without fully connected layers: "tiny-age@224".

    Raises:
        ConfigError: a size that is no number, or that the model cannot have.
        ModelFileError: there is no such model.
    """
    plain, mark, pixels = name.rpartition("@")
    size = int(pixels) if mark and pixels.isdecimal() else None
    if size is None and plain in BACKBONES:
        raise ConfigError(f"After `@` must stand a number of pixels. Received: {name!r}")
    if size is None:
        plain = name  # a path may hold an @ of its own
    if plain in BACKBONES or plain.startswith(PREFIX):
        keras.utils.set_random_seed(SEED)
        model = build_model(plain, LabelGrid.age(), input_size=size or 224)
        settle(model)
        return Subject(name, model, False)
    model = load_model(plain)
    if size in (None, model.input_size):
        return Subject(name, model, True)
    resized = FaceModel.from_config({**model.get_config(), "input_size": size})
    try:
        resized.set_weights(model.get_weights())
    except ValueError as error:
        raise ConfigError(
            "A model with fully connected layers has one input size, here "
            f"{model.input_size}. Received: {size}"
        ) from error
    return Subject(name, resized, True)


def settle(model: FaceModel) -> None:
    """Give an untrained model's batch normalisations the statistics of drawn faces.

    With their first ones, 0 and 1, the features of a deep network grow or vanish.
    """
    layers = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    if layers:
        model(drawn_faces(model, SETTLED_ON).astype("float32"), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def multiply_adds(model: keras.Model) -> int:
    """Return how many products the convolutions and linear layers of a model add up, an image.

    What else there is (normalisation, pooling, activations) is left out, as is usual.

    >>> from keras_dldl import LabelGrid, build_model
    >>> multiply_adds(build_model("tiny-age-net", LabelGrid.age(), input_size=224))
    975434368
    """
    return sum(_of_layer(layer) for layer in model._flatten_layers(include_self=False))


def _of_layer(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.SeparableConv2D):
        both = (layer.depthwise_kernel, layer.pointwise_kernel)
        return math.prod(layer.output.shape[1:3]) * sum(math.prod(one.shape) for one in both)
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        return math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    return 0
