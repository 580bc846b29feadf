"""Compiling the work on pixels: one pass over the memory where TensorFlow's own ops take ten."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import tensorflow as tf

_LOGGER = logging.getLogger(__name__)


def compiled(function: Callable) -> Callable:
    """Return `function` compiled by XLA, or as a plain graph where TensorFlow was built without.

    Both give the same numbers up to rounding; the plain graph is about five times slower. A
    compiled function is compiled once for each shape, some tenths of a second each time.
    """

    @functools.cache
    def graph() -> Callable:
        return tf.function(function, jit_compile=_xla_works() or None)

    @functools.wraps(function)
    def call(*args: tf.Tensor) -> tf.Tensor:
        return graph()(*args)

    return call


@functools.cache
def compiled_stage(function: Callable, *args: Any, **constants: Any) -> Callable:
    """Return `function` with its first and its named arguments, compiled once for all callers."""

    def stage(*given: Any) -> Any:
        return function(*args, *given, **constants)

    return compiled(stage)


@functools.cache
def _xla_works() -> bool:
    try:
        with tf.init_scope(), tf.device("CPU:0"):
            tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(1.0))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        _LOGGER.info("Augmentation is not compiled: %s", str(error).splitlines()[0])
        return False
    return True
