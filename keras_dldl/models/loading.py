"""Models from files, and those that ship with the package."""

import os

import keras

from keras_dldl import saved_models
from keras_dldl.errors import ModelFileError
from keras_dldl.models.face_model import FaceModel
from keras_dldl.saved_models import find_model


def load_model(name: str | os.PathLike) -> FaceModel:
    """Load a model.

    Args:
        name: a `.keras` file, a folder that holds `model.keras` (a run folder), or the name of a
            shipped model, see `list_models()`.

    Returns:
        The `FaceModel`, ready to predict.

    Raises:
        ModelFileError: there is no such model, or the file is not a model of this package.
    """
    path = find_model(name)
    saved_models.check_is_archive(path)
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        raise ModelFileError(
            saved_models.not_a_model(path, str(error).strip().split("\n")[0][:200])
        ) from error
    if not isinstance(model, FaceModel):
        raise ModelFileError(
            saved_models.not_a_model(path, f"a {type(model).__name__} of another package")
        )
    return model


def list_models() -> list[str]:
    """Return the names of the shipped models."""
    return saved_models.names()
