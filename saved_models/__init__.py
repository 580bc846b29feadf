"""The models that ship with the package, a folder each, and finding a model by its name.

A folder holds model.tflite, which LiteRT runs and Keras loads, CARD.md and metrics.json.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl._utils.hub import PREFIX as HUB
from keras_dldl._utils.hub import fetched
from keras_dldl.errors import ModelFileError

ROOT = Path(__file__).parent
MODEL_FILE = "model.keras"
LIGHT_FILE = "model.tflite"
ONNX_FILE = "model.onnx"
METRICS_FILE = "metrics.json"
SAVED_MODEL = "saved_model.pb"
# In the archive at the end of a LiteRT file: its card, and the rest of the Keras model.
CARD_FILE = "keras_dldl.json"
KERAS_FILE = "keras.npz"
DEFAULT_MODELS = {"age": "tiny-age", "attractiveness": "tiny-attractiveness"}


def names() -> list[str]:
    """Return the names of the shipped models, sorted."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{LIGHT_FILE}"))


def folder(name: str) -> Path:
    """Return the folder of the shipped model `name`.

    Raises:
        KeyError: no model of this name ships.
    """
    if name not in names():
        raise KeyError(name)
    return ROOT / name


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return what `metrics.json` in a model's folder says; {} where there is none.

    Raises:
        ModelFileError: the file is not a JSON object.
    """
    path = folder / METRICS_FILE
    if not path.exists():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFileError(f"{path} must be a JSON file. Received: {error}") from error
    if not isinstance(read, dict):
        raise ModelFileError(f"{path} must hold a JSON object. Received: {type(read).__name__}")
    return read


def find_model(name: str | os.PathLike) -> Path:
    """Return the file that `name` means: a file, a folder's `model.keras`, or a shipped model's.

    Of a folder without `model.keras` it is `model.tflite` or `model.onnx`; else the folder itself
    where it holds a SavedModel, or the highest of its versions. Of `hf://user/name`, a repository
    on the hub, it is its `model.tflite` or else `model.keras` in the hub's cache.

    Raises:
        ModelFileError: there is none.
        ConfigError: `huggingface_hub`, which `hf://` needs, is not installed.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ModelFileError(f"A model must be named by text or a path. Received: {name!r}")
    if isinstance(name, str) and name.startswith(HUB):
        return _on_the_hub(name)
    path = Path(name)
    for candidate in (path, *(path / file for file in (MODEL_FILE, LIGHT_FILE, ONNX_FILE))):
        if candidate.is_file():
            return candidate
    if (path / SAVED_MODEL).is_file():
        return path
    versions = versions_in(path)
    if versions:
        return versions[max(versions)]
    if str(name) in names():
        return folder(str(name)) / LIGHT_FILE
    raise ModelFileError(
        "A model must be a model file, a run folder, a SavedModel, hf://user/name, or a shipped "
        f"model ({', '.join(names()) or 'none here'}).{did_you_mean(os.fspath(name), names())} "
        f"Received: {os.fspath(name)!r}, which is none"
    )


def _on_the_hub(name: str) -> Path:
    folder = fetched(name, (LIGHT_FILE, MODEL_FILE, METRICS_FILE))
    for file in (folder / LIGHT_FILE, folder / MODEL_FILE):
        if file.is_file():
            return file
    raise ModelFileError(
        "A model on the hub must be one that `keras-dldl push` wrote. "
        f"Received: {name}, without {LIGHT_FILE} and {MODEL_FILE}"
    )


def versions_in(folder: Path) -> dict[int, Path]:
    """Return the SavedModels in subfolders that are numbers, as TensorFlow Serving finds them."""
    if not folder.is_dir():
        return {}
    return {
        int(child.name): child
        for child in folder.iterdir()
        if child.name.isdecimal() and int(child.name) > 0 and (child / SAVED_MODEL).is_file()
    }


def name_of(path: Path) -> str:
    """Return the name of a shipped model, or else file and folder, such as "run/model.keras"."""
    parent = Path(os.path.abspath(path)).parent
    if parent.name in names() and parent.samefile(folder(parent.name)):
        return parent.name
    return f"{parent.name}/{path.name}".lstrip("/")


def holds_keras(path: Path) -> bool:
    """Tell whether a LiteRT file holds the Keras model, too: exported with `with_keras`."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return KERAS_FILE in archive.namelist()


def check_is_archive(path: Path) -> None:
    """Raise ModelFileError where `path` is not even an archive, as every `.keras` file is."""
    if not zipfile.is_zipfile(path):
        raise ModelFileError(not_a_model(path, "not a .keras archive"))


def not_a_model(path: Path, why: str) -> str:
    """Return the text of the error for a file that is no model of this package."""
    return (
        "A model file must be one that `keras-dldl train` or FaceModel.save() wrote. "
        f"Received: {path} ({why})"
    )
