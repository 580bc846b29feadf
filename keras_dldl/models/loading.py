"""Models from files, and those that ship with the package."""

import os
from pathlib import Path

import keras

from keras_dldl import saved_models
from keras_dldl._utils.backends import check_not_forked
from keras_dldl.errors import ModelFileError
from keras_dldl.models.identity_model import IdentityModel
from keras_dldl.models.reloading import from_litert
from keras_dldl.saved_models import find_model

# By its registered name: `FaceModel.from_preset` calls this file, which cannot import that one too.
FACE_MODEL = "keras_dldl>FaceModel"


def load_model(name: str | os.PathLike) -> keras.Model:
    """Load a model.

    Args:
        name: a `.keras` file, a folder that holds `model.keras` (a run folder), the name of a
            shipped model, see `list_models()`, `hf://user/name` for one on the hub, or a `.tflite`
            file that was exported with `with_keras`.

    Returns:
        The `FaceModel`, ready to predict.

    Raises:
        ModelFileError: there is no such model, or the file is not a model of this package.
        ConfigError: the process was forked after TensorFlow was loaded.

    >>> model = load_model("nano-age")
    >>> model.task, model.input_size
    ('age', 64)
    """
    model, path = _load(name)
    if isinstance(model, IdentityModel):
        raise ModelFileError(
            "A model that `keras-dldl pretrain` wrote tells people apart and has no labels; start "
            f"another from it by `keras-dldl train --init`. Received: {path}"
        )
    return model


def load_start(name: str | os.PathLike) -> keras.Model:
    """Load a model to start another from: as `load_model`, and what pre-training wrote besides.

    >>> load_start("nano-age").input_size
    64
    """
    return _load(name)[0]


def _load(name: str | os.PathLike) -> tuple[keras.Model, Path]:
    check_not_forked()
    path = find_model(name)
    saved_models.check_is_archive(path)
    try:
        if path.suffix.lower() == ".tflite":
            model = from_litert(path)
        else:
            model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        reason = str(error).strip().split("\n")[0][:200]
        raise ModelFileError(saved_models.not_a_model(path, reason)) from error
    if not isinstance(model, (IdentityModel, keras.saving.get_registered_object(FACE_MODEL))):
        reason = f"a {type(model).__name__} of another package"
        raise ModelFileError(saved_models.not_a_model(path, reason))
    return model, path


def list_models() -> list[str]:
    """Return the names of the shipped models.

    >>> list_models()
    ['nano-age', 'thin-age', 'thin-attractiveness', 'tiny-age', 'tiny-attractiveness']
    """
    return saved_models.names()
