"""The LiteRT copy of a model, made while TensorFlow is loaded."""

import logging
import os
import tempfile
from pathlib import Path

from keras_dldl.export.exporter import export_model
from keras_dldl.interpreters import is_installed
from keras_dldl.runtime.opening import converted

_LOGGER = logging.getLogger(__name__)


def keep_light_copy(path: str | os.PathLike) -> None:
    """Make the LiteRT copy now that the first prediction by this model file would make.

    For a process that has loaded TensorFlow: it takes seconds there, and half a minute in a process
    of its own. What fails is only logged.
    """
    path = Path(path)
    if not is_installed("litert") or path.suffix.lower() != ".keras":
        return
    try:
        converted(path, "litert", _convert_here)
    except Exception as error:
        _LOGGER.info("The first prediction makes the LiteRT copy. Received, here: %s", error)


def _convert_here(path: Path, engine: str, suffix: str) -> bytes:
    _LOGGER.info("%s is converted for the engine %s: some seconds, once", path, engine)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"model{suffix}"
        export_model(path, engine, place, mirror=False)
        return place.read_bytes()
