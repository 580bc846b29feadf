"""Models from files, and those that ship with the package."""

import os
import zipfile
from pathlib import Path

import keras

from keras_dldl import saved_models
from keras_dldl.errors import ModelFileError
from keras_dldl.models.face_model import FaceModel
from keras_dldl.models.identity_model import IdentityModel


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
    model, path = _load(name)
    if isinstance(model, IdentityModel):
        raise ModelFileError(
            "A model that `keras-dldl pretrain` wrote tells people apart and has no labels; start "
            f"another from it by `keras-dldl train --init`. Received: {path}"
        )
    return model


def load_start(name: str | os.PathLike) -> FaceModel | IdentityModel:
    """Load a model to start another from: as `load_model`, and what pre-training wrote besides."""
    return _load(name)[0]


def _load(name: str | os.PathLike) -> tuple[FaceModel | IdentityModel, Path]:
    path = find_model(name)
    if not zipfile.is_zipfile(path):
        raise ModelFileError(_not_a_model(path, "not a .keras archive"))
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged or foreign file
        raise ModelFileError(_not_a_model(path, str(error).strip().split("\n")[0][:200])) from error
    if not isinstance(model, (FaceModel, IdentityModel)):
        raise ModelFileError(_not_a_model(path, f"a {type(model).__name__} of another package"))
    return model, path


def list_models() -> list[str]:
    """Return the names of the shipped models."""
    return saved_models.names()


def find_model(name: str | os.PathLike) -> Path:
    """Return the file that `name` means: a file, a folder's `model.keras`, or a shipped model's.

    Raises:
        ModelFileError: there is none.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ModelFileError(f"A model must be named by text or a path. Received: {name!r}")
    path = Path(name)
    for candidate in (path, path / saved_models.MODEL_FILE):
        if candidate.is_file():
            return candidate
    if str(name) in list_models():
        return saved_models.folder(str(name)) / saved_models.MODEL_FILE
    raise ModelFileError(
        "A model must be a .keras file, a run folder, or a shipped model "
        f"({', '.join(list_models()) or 'none here'}). Received: {os.fspath(name)!r}, which is none"
    )


def _not_a_model(path: Path, why: str) -> str:
    return (
        "A model file must be one that `keras-dldl train` or FaceModel.save() wrote. "
        f"Received: {path} ({why})"
    )
