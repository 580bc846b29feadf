"""Changing colours: grey, brightness, contrast and saturation as one change; erasing."""

import tensorflow as tf

from keras_dldl.data.augment.compiled import compiled
from keras_dldl.data.augment.table import LUMA


def recolour(images: tf.Tensor, draws: dict[str, tf.Tensor]) -> tf.Tensor:
    """Change the colours of (B, S, S, 3) float32 images in 0 ... 255.

    Grey is a saturation of 0. Brightness scales the image, contrast its distance from the mean of
    its luma, saturation that from the luma of each pixel. Unclipped these
    three commute, so a random order needs no draw. The result is clipped once; that of the
    reference code is not.
    """
    saturation = (1.0 - draws["grey"]) * draws["saturation"]
    brightness, contrast = draws["brightness"], draws["contrast"]
    of_pixel = brightness * contrast * saturation
    of_luma = brightness * contrast * (1.0 - saturation)
    of_mean = brightness * (1.0 - contrast)
    offset = of_mean[:, None, None, None] * luma(_mean_colours(images))
    return _recoloured(images, of_pixel, of_luma, offset)


@compiled
def _recoloured(
    images: tf.Tensor, of_pixel: tf.Tensor, of_luma: tf.Tensor, offset: tf.Tensor
) -> tf.Tensor:
    of_pixel, of_luma = of_pixel[:, None, None, None], of_luma[:, None, None, None]
    return tf.clip_by_value(of_pixel * images + of_luma * luma(images) + offset, 0.0, 255.0)


def erase(images: tf.Tensor, draws: dict[str, tf.Tensor]) -> tf.Tensor:
    """Fill the drawn rectangles of (B, S, S, 3) float32 images with each image's mean colour."""
    return _erased(images, _mean_colours(images), _rectangles(draws, images.shape[1]))


@compiled
def _erased(images: tf.Tensor, colours: tf.Tensor, rectangles: tf.Tensor) -> tf.Tensor:
    return tf.where(_inside(rectangles, images.shape[1]), colours, images)


@compiled
def _mean_colours(images: tf.Tensor) -> tf.Tensor:
    """Return the mean of each image, (B, 1, 1, 3)."""
    size = images.shape[1]
    # Over the rows as a product of matrices, which the compiler does better than a mean.
    columns = tf.reshape(images, [-1, size, size * 3])
    mean_row = tf.einsum("h,bhk->bk", tf.fill([size], 1.0 / size), columns)
    return tf.reduce_mean(tf.reshape(mean_row, [-1, 1, size, 3]), axis=2, keepdims=True)


def _rectangles(draws: dict[str, tf.Tensor], size: int) -> tf.Tensor:
    """Return top, bottom, left, right in pixels, (B, 4); empty where nothing is erased."""
    height = draws["erased"] * draws["erase_height"]
    width = draws["erased"] * draws["erase_width"]
    top, left = draws["erase_y"] * (1.0 - height), draws["erase_x"] * (1.0 - width)
    return tf.round(tf.stack([top, top + height, left, left + width], axis=1) * size)


def _inside(rectangles: tf.Tensor, size: int) -> tf.Tensor:
    """Return which pixels lie in the rectangle of their image, (B, S, S, 1)."""
    axis = tf.range(size, dtype=tf.float32)[None, :]
    top, bottom, left, right = (rectangles[:, k, None] for k in range(4))
    down, across = (axis >= top) & (axis < bottom), (axis >= left) & (axis < right)
    return (down[:, :, None] & across[:, None, :])[..., None]


def luma(images: tf.Tensor) -> tf.Tensor:
    """Return the luma of RGB images, (..., H, W, 1)."""
    return sum(weight * images[..., k : k + 1] for k, weight in enumerate(LUMA))
