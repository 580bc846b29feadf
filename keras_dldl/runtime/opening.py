"""From a name to a network that is ready to answer, run by the engine asked for."""

import logging
import os
import subprocess  # noqa: S404
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from keras_dldl._utils.cache import cached, checksum
from keras_dldl._version import __version__
from keras_dldl.errors import ConfigError, KerasDLDLError, ModelFileError
from keras_dldl.interpreters import asked_engine, is_installed
from keras_dldl.runtime.network import Network
from keras_dldl.runtime.networks import ENGINE_OF, FileNetwork, KerasNetwork, SavedModelNetwork
from keras_dldl.saved_models import (
    DEFAULT_MODELS,
    SAVED_MODEL,
    check_is_archive,
    find_model,
    holds_keras,
)

NETWORKS_KEPT = 4
TIMEOUT_SECONDS = 600
# In a process of its own, so that TensorFlow stays out of this one.
CONVERSION = (
    "import sys; from keras_dldl.export import export_model; "
    "export_model(sys.argv[1], sys.argv[2], sys.argv[3], mirror=False, force=True)"
)
_LOCK = threading.Lock()
_LOGGER = logging.getLogger(__name__)


def open_network(model: Any = None, task: str | None = None, engine: str | None = None) -> Network:
    """Open a model of any kind.

    Args:
        model: a `.keras`, `.tflite` or `.onnx` file, a folder with one or with a SavedModel, the
            name of a shipped model, a loaded `FaceModel`, or a `Network`; None for the shipped
            model of `task`. Files are opened once and kept as long as they do not change.
        task: what it must estimate; None takes any.
        engine: see `predict_age`; a loaded model has its own.

    Raises:
        ModelFileError: there is no such model.
        ConfigError: it estimates something else, `task` has no shipped model, or the engine cannot
            run it.

    >>> open_network("nano-age").card.input_size
    64
    """
    network = _opened(_default_model(task) if model is None else model, engine)
    found = network.card.grid.task
    if task is not None and found != task:
        raise ConfigError(
            f"A model that estimates {task} is needed. For this one use "
            f"`predict_{found}`, or keras-dldl predict without --task. "
            f"Received: a model that estimates {found}"
        )
    return network


def open_own(model: Any) -> Network:
    """Open a model by the engine of its own kind, of a `.keras` file Keras; it is not kept.

    See `open_network`. So is a `.tflite` file that holds the Keras model, too.
    """
    if not isinstance(model, (str, os.PathLike)):
        return open_network(model)
    path = find_model(model)
    is_keras = path.is_file() and (path.suffix.lower() not in ENGINE_OF or holds_keras(path))
    return open_file(path, "keras" if is_keras else "auto")


def open_file(path: Path, engine: str = "auto") -> Network:
    """Open a model's file, or a SavedModel's folder, by an engine.

    "auto" is the engine of a SavedModel and of a `.tflite` or `.onnx` file; of a `.keras` file it
    is LiteRT, unless LiteRT is not installed, or Keras is loaded already, so that no start is
    saved. The copy for LiteRT is made at the first use, and kept in the user's cache folder. A
    `.tflite` file that holds the Keras model, as those of shipped models do, is run by any engine.

    Raises:
        ModelFileError: it is not a model of this package.
        ConfigError: the engine cannot run it.
    """
    own = "saved-model" if path.is_dir() else ENGINE_OF.get(path.suffix.lower())
    any_engine = own is None or holds_keras(path)
    if own is not None and engine in ("auto", own):
        if path.is_dir():
            return SavedModelNetwork(path)
        if is_installed(own) or not any_engine:
            return FileNetwork(path)
    if not any_engine:
        raise ConfigError(
            f"A {path.suffix if path.is_file() else 'SavedModel'} file is run by the engine "
            f'{own!r}, or "auto". Received: engine={engine!r}'
        )
    check_is_archive(path)
    if engine in ("litert", "onnx"):
        return converted(path, engine)
    if engine == "auto" and is_installed("litert") and "keras" not in sys.modules:
        try:
            return converted(path, "litert")
        except (KerasDLDLError, OSError) as error:
            _LOGGER.warning("The model is run by Keras. Received, from LiteRT: %s", error)
    from keras_dldl.models import loading

    return KerasNetwork(loading.load_model(path), path)


def _default_model(task: str | None) -> str:
    task = "age" if task is None else task
    if task not in DEFAULT_MODELS:
        raise ConfigError(
            f"No model for {task} ships with the package. Train one, and pass it as `model=` "
            "(command line: --model), a path or a loaded model. Received: model=None"
        )
    return DEFAULT_MODELS[task]


def _opened(model: Any, engine: str | None) -> Network:
    if isinstance(model, (str, os.PathLike)):
        path = find_model(model)
        status = (path / SAVED_MODEL if path.is_dir() else path).stat()
        key = (path.resolve(), status.st_mtime_ns, status.st_size)
        with _LOCK:  # two threads that ask at once wait for one loading
            return kept_network(path, asked_engine(engine), key)
    if not (isinstance(model, Network) or _is_face_model(model)):
        raise ConfigError(
            "`model` must be a path, the name of a shipped model, or a loaded model: a FaceModel "
            "from `load_model` or `build_model`, or a Network. "
            f"Received: type {type(model).__name__}"
        )
    network = model if isinstance(model, Network) else KerasNetwork(model)
    if engine is not None and asked_engine(engine) not in ("auto", network.engine):
        raise ConfigError(
            f"A loaded model has its engine, this one {network.engine!r}; give its file to choose "
            f"another. Received: engine={engine!r}"
        )
    return network


@lru_cache(NETWORKS_KEPT)
def kept_network(path: Path, engine: str, key: tuple) -> Network:
    """Open a file as `open_file` does, or give what was opened under the same key."""
    return open_file(path, engine)


def _is_face_model(model: Any) -> bool:
    # Where its module is not loaded, nothing can be one; importing it would load Keras.
    module = sys.modules.get("keras_dldl.models.face_model")
    return module is not None and isinstance(model, module.FaceModel)


def converted(path: Path, engine: str, convert: Callable | None = None) -> FileNetwork:
    """Return the network of a `.keras` file as the user's cache has it, or gets it now.

    Args:
        path: the file.
        engine: "litert" or "onnx".
        convert: from path, engine and suffix to the content; default: by a process of its own.
    """
    content = path.read_bytes()
    key = checksum(__version__, engine, content)
    suffix = next(end for end, name in ENGINE_OF.items() if name == engine)
    made = cached(f"model-{engine}", key, lambda: (convert or _convert)(path, engine, suffix))
    return FileNetwork(path.with_suffix(suffix), made, asked_for=path)


def _convert(path: Path, engine: str, suffix: str) -> bytes:
    _LOGGER.info("%s is converted for the engine %s: half a minute, once", path, engine)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # a method of the user's, too
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"model{suffix}"
        command = [sys.executable, "-c", CONVERSION, str(path.resolve()), engine, str(place)]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise ModelFileError(_not_converted(path, engine, "no end in ten minutes")) from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ModelFileError(_not_converted(path, engine, reason))
        return place.read_bytes()


def _not_converted(path: Path, engine: str, reason: str) -> str:
    return (
        f'The model must be one that can be converted for the engine {engine!r}; engine="keras" '
        f"(command line: --engine keras) runs any. Received: {path}, {reason}"
    )
