"""The draws of a batch, apart from their application, so that a test can hand in its own."""

import tensorflow as tf

from keras_dldl.data.augment.strengths import Augmentation
from keras_dldl.data.augment.table import ROWS, draws_from


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
