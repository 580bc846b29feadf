"""The models that are measured: by name, and at the size asked for."""

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
    plain, size = _name_and_size(name)
    if plain in BACKBONES or plain.startswith(PREFIX):
        keras.utils.set_random_seed(SEED)
        model = build_model(plain, LabelGrid.age(), input_size=size or 224)
        settle(model)
        return Subject(name, model, False)
    model = load_model(plain)
    if size not in (None, model.input_size):
        model = _resized(model, size)
    return Subject(name, model, True)


def _name_and_size(name: str) -> tuple[str, int | None]:
    plain, mark, size = name.rpartition("@")
    if size.isdecimal() and mark:
        return plain, int(size)
    if plain in BACKBONES:
        raise ConfigError(f"After `@` must stand a number of pixels. Received: {name!r}")
    return name, None  # a path may hold an @ of its own


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


def _resized(model: FaceModel, size: int) -> FaceModel:
    resized = FaceModel.from_config({**model.get_config(), "input_size": size})
    try:
        resized.set_weights(model.get_weights())
    except ValueError as error:
        raise ConfigError(
            "A model with fully connected layers has one input size, here "
            f"{model.input_size}. Received: {size}"
        ) from error
    return resized
