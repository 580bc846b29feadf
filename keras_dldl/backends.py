"""What Keras runs on, and what is installed beside it."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any


def is_installed(package: str) -> bool:
    """Return whether `package` could be imported; it is not.

    >>> is_installed("json"), is_installed("no_such_package")
    (True, False)
    """
    if package in sys.modules:
        return sys.modules[package] is not None
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def backend_name() -> str:
    """Return the back end of Keras: "tensorflow", "jax" or "torch"."""
    import keras

    return keras.backend.backend()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` of tensors, compiled by the back end of Keras; on PyTorch as it is.

    It is compiled anew for each shape of its arguments.
    """
    name = backend_name()
    if name == "jax":
        import jax

        return jax.jit(function)
    if name == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    return function
