"""Changing colours: grey, brightness, contrast and saturation as one change, and erasing."""

import tensorflow as tf

from keras_dldl.data.augment.compiled import compiled

LUMA = (0.299, 0.587, 0.114)


def recolour(images: tf.Tensor, draws: dict[str, tf.Tensor]) -> tf.Tensor:
    """Change the colours of (B, S, S, 3) float32 images in 0 ... 255, and erase rectangles.

    Grey is a saturation of 0. Brightness scales the image, contrast its distance from the mean of
    its luma, saturation that from the luma of each pixel. Unclipped, as in the reference code,
    these three commute, so a random order needs no draw; the result is clipped once.
    """
    saturation = (1.0 - draws["grey"]) * draws["saturation"]
    brightness, contrast = draws["brightness"], draws["contrast"]
    weights = tf.stack(
        [
            brightness * contrast * saturation,
            brightness * contrast * (1.0 - saturation),
            brightness * (1.0 - contrast),
        ],
        axis=1,
    )
    return _recoloured(images, weights, _rectangles(draws, images.shape[1]))


def _rectangles(draws: dict[str, tf.Tensor], size: int) -> tf.Tensor:
    """Return top, bottom, left, right in pixels, (B, 4); empty where nothing is erased."""
    height = draws["erased"] * draws["erase_height"]
    width = draws["erased"] * draws["erase_width"]
    top, left = draws["erase_y"] * (1.0 - height), draws["erase_x"] * (1.0 - width)
    return tf.round(tf.stack([top, top + height, left, left + width], axis=1) * size)


@compiled
def _recoloured(images: tf.Tensor, weights: tf.Tensor, rectangles: tf.Tensor) -> tf.Tensor:
    mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
    images = tf.where(_inside(rectangles, images.shape[1]), mean, images)
    of_pixel, of_luma, of_mean = (weights[:, k, None, None, None] for k in range(3))
    changed = of_pixel * images + of_luma * luma(images) + of_mean * luma(mean)
    return tf.clip_by_value(changed, 0.0, 255.0)


def _inside(rectangles: tf.Tensor, size: int) -> tf.Tensor:
    """Return which pixels lie in the rectangle of their image, (B, S, S, 1)."""
    axis = tf.range(size, dtype=tf.float32)[None, :]
    top, bottom, left, right = (rectangles[:, k, None] for k in range(4))
    down, across = (axis >= top) & (axis < bottom), (axis >= left) & (axis < right)
    return (down[:, :, None] & across[:, None, :])[..., None]


def luma(images: tf.Tensor) -> tf.Tensor:
    """Return the luma of RGB images, (..., H, W, 1)."""
    return tf.reduce_sum(images * tf.constant(LUMA), axis=-1, keepdims=True)
