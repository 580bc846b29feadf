"""From a name to a model that is ready to predict, run by the engine asked for."""

import logging
import os
import subprocess  # noqa: S404
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.cache import cached, checksum
from keras_dldl.errors import ConfigError, KerasDLDLError, ModelFileError
from keras_dldl.light.model import SUFFIXES, LightModel, holds_keras, open_light_model
from keras_dldl.runtimes import asked_engine, is_installed
from keras_dldl.saved_models import DEFAULT_MODELS, check_is_archive, find_model

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

    Model = FaceModel | LightModel

MODELS_KEPT = 4
TIMEOUT_SECONDS = 600
# In a process of its own, so that TensorFlow stays out of this one.
CONVERSION = (
    "import sys; from keras_dldl.export import export_model; "
    "export_model(sys.argv[1], sys.argv[2], sys.argv[3], mirror=False, force=True)"
)
_LOGGER = logging.getLogger(__name__)


def resolve_model(model: Any, task: str | None, engine: str | None = None) -> "Model":
    """Return the model that is meant, ready to predict.

    Args:
        model: a path, the name of a shipped model, a loaded model, or None for the shipped model
            of `task`.
        task: what it must estimate; None takes any.
        engine: see `predict_age`; a loaded model has its own.

    Raises:
        ModelFileError: there is no such model.
        ConfigError: it estimates something else, `task` has no shipped model, or the engine cannot
            run it.
    """
    resolved = _loaded(_default_model(task) if model is None else model, engine)
    if task is not None and resolved.grid.task != task:
        raise ConfigError(
            f"A model that estimates {task} is needed. For this one use "
            f"`predict_{resolved.grid.task}`, or keras-dldl predict without --task. "
            f"Received: a model that estimates {resolved.grid.task}"
        )
    return resolved


def open_model(path: Path, engine: str = "auto") -> "Model":
    """Open a model file by an engine.

    "auto" is the engine of a `.tflite` or `.onnx` file; of a `.keras` file it is LiteRT, unless
    LiteRT is not installed, or Keras is loaded already, so that no start is saved. The copy for
    LiteRT is made at the first use, and kept in the user's cache folder. A `.tflite` file that
    holds the Keras model, as those of shipped models do, is run by any engine.

    Raises:
        ModelFileError: it is not a model of this package.
        ConfigError: the engine cannot run it.
    """
    own = SUFFIXES.get(path.suffix.lower())
    any_engine = own is None or holds_keras(path)
    if own is not None and engine in ("auto", own) and (is_installed(own) or not any_engine):
        return open_light_model(path)
    if not any_engine:
        raise ConfigError(
            f'A {path.suffix} file is run by the engine {own!r}, or "auto". '
            f"Received: engine={engine!r}"
        )
    check_is_archive(path)
    if engine in ("litert", "onnx"):
        return _converted(path, engine)
    if engine == "auto" and is_installed("litert") and "keras" not in sys.modules:
        try:
            return _converted(path, "litert")
        except (KerasDLDLError, OSError) as error:
            _LOGGER.warning("The model is run by Keras. Received, from LiteRT: %s", error)
    from keras_dldl.models import loading

    return loading.load_model(path)


def keep_light_copy(path: str | os.PathLike) -> None:
    """Make the LiteRT copy now that the first prediction by this model file would make.

    For a process that has loaded TensorFlow: it takes seconds there, and half a minute in a process
    of its own. What fails is only logged.
    """
    path = Path(path)
    if not is_installed("litert") or path.suffix.lower() != ".keras":
        return
    try:
        _converted(path, "litert", _convert_here)
    except Exception as error:
        _LOGGER.info("The first prediction makes the LiteRT copy. Received, here: %s", error)


def _default_model(task: str | None) -> str:
    task = "age" if task is None else task
    if task not in DEFAULT_MODELS:
        raise ConfigError(
            f"No model for {task} ships with the package. Train one, and pass it as `model=` "
            "(command line: --model), a path or a loaded model. Received: model=None"
        )
    return DEFAULT_MODELS[task]


def _loaded(model: Any, engine: str | None) -> "Model":
    if isinstance(model, (str, os.PathLike)):
        return _CACHE.get(model, asked_engine(engine))
    if not (isinstance(model, LightModel) or _is_face_model(model)):
        raise ConfigError(
            "`model` must be a path, the name of a shipped model, or a loaded model: a FaceModel "
            "from `load_model` or `build_model`, or a LightModel. "
            f"Received: type {type(model).__name__}"
        )
    own = getattr(model, "engine", "keras")
    if engine is not None and asked_engine(engine) not in ("auto", own):
        raise ConfigError(
            f"A loaded model has its engine, this one {own!r}; give its file to choose another. "
            f"Received: engine={engine!r}"
        )
    return model


def _is_face_model(model: Any) -> bool:
    # Where its module is not loaded, nothing can be one; importing it would load Keras.
    module = sys.modules.get("keras_dldl.models.face_model")
    return module is not None and isinstance(model, module.FaceModel)


def _convert_here(path: Path, engine: str, suffix: str) -> bytes:
    from keras_dldl.export import export_model

    _LOGGER.info("%s is converted for the engine %s: some seconds, once", path, engine)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"model{suffix}"
        export_model(path, engine, place, mirror=False)
        return place.read_bytes()


def _converted(path: Path, engine: str, convert: Callable | None = None) -> LightModel:
    """Return the model of a `.keras` file as the user's cache has it, or gets it now."""
    import keras_dldl

    content = path.read_bytes()
    key = checksum(keras_dldl.__version__, engine, content)
    suffix = next(end for end, name in SUFFIXES.items() if name == engine)
    made = cached(f"model-{engine}", key, lambda: (convert or _convert)(path, engine, suffix))
    return open_light_model(path.with_suffix(suffix), made)


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


class _ModelCache:
    """The models loaded last, by file and engine; a file that has changed is loaded again."""

    def __init__(self, size: int):
        self._size = size
        self._models: OrderedDict[tuple, Model] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str | os.PathLike, engine: str = "auto") -> "Model":
        path = find_model(name)
        status = path.stat()
        key = (path.resolve(), status.st_mtime_ns, status.st_size, engine)
        with self._lock:  # two threads that ask at once wait for one loading
            if key not in self._models:
                self._models[key] = open_model(path, engine)
            self._models.move_to_end(key)
            while len(self._models) > self._size:
                self._models.popitem(last=False)
            return self._models[key]


_CACHE = _ModelCache(MODELS_KEPT)
