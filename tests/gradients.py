"""Gradients by whatever back end Keras runs on."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def to_numpy(values: Any) -> np.ndarray:
    """Return what a tensor of any back end holds."""
    return keras.ops.convert_to_numpy(values)


def value_and_gradient(
    function: Callable[[Any], Any], x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return `function(x)`, and the gradient of the sum of its elements at `x`."""
    backend = keras.backend.backend()
    return {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}[backend](function, x)


def _by_tensorflow(function, x):
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = function(x)
        total = tf.reduce_sum(values)
    return values.numpy(), tape.gradient(total, x).numpy()


def _by_jax(function, x):
    import jax

    def total(x):
        values = function(x)
        return values.sum(), values

    gradient, values = jax.grad(total, has_aux=True)(jax.numpy.asarray(x))
    return np.asarray(values), np.asarray(gradient)


def _by_torch(function, x):
    import torch

    # Keras computes on its default device.
    x = keras.ops.convert_to_tensor(x).detach().clone().requires_grad_(True)
    with torch.enable_grad():
        values = function(x)
        values.sum().backward()
    return to_numpy(values.detach()), to_numpy(x.grad)
