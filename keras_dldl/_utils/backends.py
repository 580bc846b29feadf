"""What Keras runs on, and what is installed beside it."""

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from keras_dldl.errors import ConfigError

SHARE_OF_DEVICE = 0.5  # the rest is for the model


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


def has_float64() -> bool:
    """Return whether tensors of float64 can be made: not on JAX, unless it is configured so.

    >>> has_float64()
    True
    """
    if backend_name() != "jax":
        return True
    import jax

    return bool(jax.config.jax_enable_x64)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` of tensors, compiled by the back end of Keras; on PyTorch as it is.

    It is compiled again for each shape of its arguments.
    """
    name = backend_name()
    if name == "jax":
        import jax

        return jax.jit(function)
    if name == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    return function


def as_graph(function: Callable[..., Any], shape: tuple) -> Callable[..., Any]:
    """Return `function` of one float32 tensor of `shape`, None: any length, as a TensorFlow graph.

    Other than `compiled`, it is made once for all lengths, and without XLA, which takes long to
    make and on processors is slower for these networks.
    """
    import tensorflow as tf

    return tf.function(function, input_signature=[tf.TensorSpec(shape)], autograph=False)


def to_device(array: Any) -> Any:
    """Return `array` on the accelerator where there is one and it fits; else as it is."""
    free = _free_bytes()
    if free is None or array.nbytes > free * SHARE_OF_DEVICE:
        return array
    import keras

    return keras.ops.convert_to_tensor(array)


def _free_bytes() -> int | None:
    """Return how much memory the first accelerator has left; None where there is none."""
    name = backend_name()
    if name == "jax":
        import jax

        facts = jax.local_devices()[0].memory_stats() or {}
        known = {"bytes_limit", "bytes_in_use"} <= set(facts)
        return facts["bytes_limit"] - facts["bytes_in_use"] if known else None
    if name == "torch":
        import torch

        return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None
    return None


def check_not_forked(what: str = "") -> None:
    """Raise a ConfigError in a process that was forked after TensorFlow was loaded.

    TensorFlow's threads stay in the parent, so that its first operation would wait without end.

    Args:
        what: needs TensorFlow, whatever the back end of Keras; default: Keras, where that is on it.
    """
    if _forked_with_tensorflow and (what or backend_name() == "tensorflow"):
        raise ConfigError(
            f"{what or 'Keras on TensorFlow'} cannot run in a process that was forked after "
            "TensorFlow was "
            'loaded. Start processes by multiprocessing.get_context("spawn"), or predict with '
            f'engine="litert". Received: process {os.getpid()}, a fork of {os.getppid()}'
        )


_forked_with_tensorflow = False


def _note_fork() -> None:
    global _forked_with_tensorflow
    _forked_with_tensorflow = "tensorflow" in sys.modules


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_note_fork)
