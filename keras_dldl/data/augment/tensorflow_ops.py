"""Augmentation by TensorFlow, for `tf.data` under any back end: operations, draws, compiling."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dldl.data.augment.draws import ROWS, draws_from
from keras_dldl.data.augment.strengths import Augmentation

_LOGGER = logging.getLogger(__name__)

# What the augmentations use of `keras.ops`.
arange = tf.range
cast = tf.cast
clip = tf.clip_by_value
concatenate = tf.concat
convert_to_tensor = tf.convert_to_tensor
cos = tf.cos
einsum = tf.einsum
exp = tf.exp
floor = tf.floor
logical_and = tf.logical_and
logical_or = tf.logical_or
matmul = tf.matmul
maximum = tf.maximum
mean = tf.reduce_mean
minimum = tf.minimum
ones_like = tf.ones_like
reshape = tf.reshape
round = tf.round
sin = tf.sin
stack = tf.stack
sum = tf.reduce_sum
take = tf.gather
tan = tf.tan
transpose = tf.transpose
where = tf.where
zeros_like = tf.zeros_like


def shape(x: tf.Tensor) -> tuple:
    """Return the sizes of a tensor; those not known before it runs are tensors."""
    return tuple(size or tf.shape(x)[k] for k, size in enumerate(x.shape))


def draw_batch(augmentation: Augmentation, count: int, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Draw what augments `count` images.

    Args:
        augmentation: the strengths.
        count: number of images.
        seed: (2,) integers; the same seed gives the same draws on every machine.

    Returns:
        Float32 tensors (count,) by name, see `draws_from`.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    rows = tf.unstack(tf.random.stateless_uniform([ROWS, count], seeds[0]))
    return draws_from(augmentation, rows, _larger_share(augmentation.mixup, count, seeds[1]), tf)


def _larger_share(alpha: float, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw the larger of w and 1 - w, w from Beta(alpha, alpha); ones where `alpha` is 0.

    The larger one, so that each face stays the main one of its mixture (Berthelot et al. 2019).
    """
    if alpha == 0:
        return tf.ones([count])
    # The share of the one of two gamma draws. In float64: a small alpha makes them tiny.
    pair = tf.random.stateless_gamma([2, count], seed, alpha, dtype=tf.float64)
    pair = tf.maximum(pair, 1e-300)
    share = pair[0] / (pair[0] + pair[1])
    return tf.cast(tf.maximum(share, 1.0 - share), tf.float32)


@functools.cache
def compiled_stage(function: Callable, *args: Any, **constants: Any) -> Callable:
    """Return `function` with its first and its named arguments, compiled once for all callers.

    XLA makes one pass over the memory where TensorFlow's own operations take ten. Where TensorFlow
    was built without, a plain graph gives the same numbers up to rounding, in five times as long.
    Each shape is compiled once, in some tenths of a second.
    """
    given = functools.partial(function, *args, **constants)
    return tf.function(given, jit_compile=_xla_works() or None)


@functools.cache
def _xla_works() -> bool:
    try:
        with tf.init_scope(), tf.device("CPU:0"):
            tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(1.0))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        _LOGGER.info("Augmentation is not compiled: %s", str(error).splitlines()[0])
        return False
    return True


def mix(images: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix each face with the next one, the last with the first (mixup: Zhang et al. 2018).

    Args:
        images: (P, S, S, 3) float32, of which the first B are faces and the others padding.
        targets: (B, 2) float32: label, sigma.
        weights: (P,) float32, 0 ... 1: of the face itself.

    Returns:
        Images (P, S, S, 3), `w x_i + (1 - w) x_j`, and targets (B, 5) for the mixture of both label
        distributions: label, sigma, the other's label and sigma, and w; see `ops.target_parts`.
    """
    count = tf.shape(targets)[0]
    partners = (tf.range(tf.shape(images)[0]) + 1) % count
    mixed = tf.concat(
        [targets, tf.gather(targets, partners[:count]), weights[:count, None]], axis=1
    )
    return compiled_stage(_mixed)(images, partners, weights), mixed


def _mixed(images: tf.Tensor, partners: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    others = tf.gather(images, partners)
    return others + (images - others) * weights[:, None, None, None]
