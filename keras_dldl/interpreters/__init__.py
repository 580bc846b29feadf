"""What can run a network, and which of them is asked for."""

import importlib.util
import os
from functools import cache

from keras_dldl._utils.arguments import check_choice

ENGINES = ("auto", "keras", "litert", "onnx")
ENGINE_VARIABLE = "KERAS_DLDL_ENGINE"
_PACKAGES = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}


def asked_engine(engine: str | None = None) -> str:
    """Return the engine to use: `engine`, else KERAS_DLDL_ENGINE, else "auto".

    Raises:
        ConfigError: there is no such engine.
    """
    if engine is not None:
        return check_choice("engine", engine, ENGINES)
    return check_choice(ENGINE_VARIABLE, os.environ.get(ENGINE_VARIABLE) or "auto", ENGINES)


@cache
def is_installed(engine: str) -> bool:
    """Tell whether the package behind "litert" or "onnx" is there; it is not imported for that."""
    return importlib.util.find_spec(_PACKAGES[engine]) is not None
