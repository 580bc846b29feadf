"""Mixing faces in pairs (mixup: Zhang et al. 2018), the images and the label distributions."""

import tensorflow as tf

from keras_dldl.data.augment.compiled import compiled


def mix(images: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix each face with the next one, the last with the first.

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
    return _mixed(images, partners, weights), mixed


@compiled
def _mixed(images: tf.Tensor, partners: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    others = tf.gather(images, partners)
    return others + (images - others) * weights[:, None, None, None]
