"""From draws to augmented images."""

import tensorflow as tf

from keras_dldl.data.augment import geometry
from keras_dldl.data.augment.colour import erase, recolour
from keras_dldl.data.augment.strengths import Augmentation


def apply_batch(
    images: tf.Tensor, draws: dict[str, tf.Tensor], augmentation: Augmentation
) -> tf.Tensor:
    """Apply draws to a batch; what `augmentation` turns off is left out.

    Resolution first, then the moves in one resampling, then the colours, then erasing. The
    reference code greys before it moves; as both are linear in the pixels, the result is the same.
    Images stay uint8 until they are resampled by the moves.

    Args:
        images: (B, S, S, 3) uint8 or float32 in 0 ... 255; S must be known.
        draws: as `draw_batch` returns them.
        augmentation: the strengths.

    Returns:
        (B, S, S, 3) float32 in 0 ... 255, not rounded.
    """
    size = images.shape[1]
    sides = tf.fill(tf.shape(draws["resolution"]), float(size))
    if augmentation.resolution < 1:
        sides = geometry.reduced_sides(draws, size)
        images = geometry.lower_resolution(images, sides)
    if augmentation.moves_pixels:
        images = geometry.warp(images, geometry.fused(draws), sides)
    images = tf.cast(images, tf.float32)
    if augmentation.changes_colour:
        images = recolour(images, draws)
    return erase(images, draws) if augmentation.erase else images
