"""The draws of a batch, apart from their application, so that a test can hand in its own."""

import math

import tensorflow as tf

from keras_dldl.data.augment.strengths import Augmentation

SMALLEST_ERASED = 0.02  # share of the area; so is the range of shapes (Zhong et al. 2020)
MOST_OBLONG = 0.3
ROWS = 19  # of even numbers, one a draw


def draw_batch(augmentation: Augmentation, count: int, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Draw what augments `count` images.

    Args:
        augmentation: the strengths.
        count: number of images.
        seed: (2,) integers; the same seed gives the same draws on every machine.

    Returns:
        Float32 tensors (count,) by name: `mirrored`, `grey`, `erased`: 0 or 1; `resolution`: side
        as a share of the input's; `angle`, `shear`: radians; `zoom`: factor; `dx`, `dy`: shifts as
        shares of the side; `crop`: side of the window as a share, `crop_x`, `crop_y`: its place, 0
        ... 1 of the room it has; `brightness`, `contrast`, `saturation`: factors; `erase_height`,
        `erase_width`: shares of the side; `erase_x`, `erase_y`: place, as for the crop; `mixup`:
        weight of the image itself, 0.5 ... 1.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    rows = iter(tf.unstack(tf.random.stateless_uniform([ROWS, count], seeds[0])))

    def around(centre: float, width: float) -> tf.Tensor:
        return centre + (2.0 * next(rows) - 1.0) * width

    def down_to(smallest: float) -> tf.Tensor:
        return smallest + next(rows) * (1.0 - smallest)

    def chance(probability: float) -> tf.Tensor:
        return tf.cast(next(rows) < probability, tf.float32)

    draws = {
        "mirrored": chance(augmentation.flip),
        "grey": chance(augmentation.grey),
        "resolution": down_to(augmentation.resolution),
        "angle": around(0.0, math.radians(augmentation.rotation)),
        "shear": around(0.0, math.radians(augmentation.shear)),
        "zoom": around(1.0, augmentation.zoom),
        "dx": around(0.0, augmentation.shift),
        "dy": around(0.0, augmentation.shift),
        "crop": down_to(augmentation.crop),
        "crop_x": next(rows),
        "crop_y": next(rows),
        "brightness": around(1.0, augmentation.brightness),
        "contrast": around(1.0, augmentation.contrast),
        "saturation": around(1.0, augmentation.saturation),
        "erased": chance(augmentation.erase),
        "erase_x": next(rows),
        "erase_y": next(rows),
        "mixup": _larger_share(augmentation.mixup, count, seeds[1]),
    }
    return draws | _rectangle(augmentation.erase_area, next(rows), next(rows))


def _rectangle(largest: float, area: tf.Tensor, shape: tf.Tensor) -> dict[str, tf.Tensor]:
    area = SMALLEST_ERASED + area * (largest - SMALLEST_ERASED)
    # Evenly in the logarithm, so that upright and lying rectangles are equally likely.
    ratio = tf.exp((2.0 * shape - 1.0) * -math.log(MOST_OBLONG))
    return {
        "erase_height": tf.minimum(tf.sqrt(area * ratio), 1.0),
        "erase_width": tf.minimum(tf.sqrt(area / ratio), 1.0),
    }


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
