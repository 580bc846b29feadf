"""The paper's augmentations: draws kept apart from their application, so a test can hand in draws.

All on float32 images in 0 ... 255: mirror, grey, lower resolution, rotation, crop, and brightness,
contrast and saturation in random order. The geometric ones are fused into one warp with bilinear
sampling and repeated edges.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import tensorflow as tf

from keras_dldl.errors import ConfigError

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the augmentations; the defaults are the reference code's.

    Args:
        flip: probability of mirroring, [0, 1].
        grey: probability of grey-scale, [0, 1].
        resolution: smallest side, as a share of the input size, to which a face is reduced before
            it is brought back to size, (0, 1]; 1 turns it off.
        rotation: largest angle in degrees, [0, 180].
        zoom: largest relative change of scale, [0, 1). The reference code has none.
        shift: largest shift as a share of the side, [0, 1): what the random crop does.
        brightness, contrast, saturation: largest relative change, [0, 1].
    """

    flip: float = 0.5
    grey: float = 0.5
    resolution: float = 0.5
    rotation: float = 15.0
    zoom: float = 0.0
    shift: float = 0.0
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4

    def __post_init__(self):
        limits = {"rotation": 180.0}
        for field in fields(self):
            value, limit = getattr(self, field.name), limits.get(field.name, 1.0)
            if not isinstance(value, int | float) or not 0 <= value <= limit:
                raise ConfigError(
                    f"Augmentation `{field.name}` must be a number in [0, {limit:g}]. "
                    f"Received: {field.name}={value!r}"
                )
        if self.resolution <= 0 or self.zoom >= 1:
            raise ConfigError(
                "Augmentation `resolution` must be above 0 and `zoom` below 1. "
                f"Received: resolution={self.resolution}, zoom={self.zoom}"
            )

    @classmethod
    def none(cls) -> "Augmentation":
        """Return the augmentation that changes nothing."""
        return cls(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Return the strengths."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Augmentation":
        """Make an augmentation from strengths by name; those not named keep their defaults."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise ConfigError(
                f"Augmentations are {', '.join(known)}. Received: {', '.join(map(str, unknown))}"
            )
        return cls(**config)


def lower_resolution(image: tf.Tensor, share: tf.Tensor, size: int) -> tf.Tensor:
    """Reduce one (size, size, 3) image to `share` of its side and bring it back."""
    side = tf.maximum(1, tf.cast(tf.round(share * size), tf.int32))
    small = tf.image.resize(image, [side, side], "bicubic", antialias=True)
    image = tf.image.resize(small, [size, size], "bicubic")
    return tf.clip_by_value(image, 0.0, 255.0)


def draw_resolution(augmentation: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Draw the share for `lower_resolution`; `seed` is a (2,) integer tensor."""
    return tf.random.stateless_uniform([], seed, augmentation.resolution, 1.0)


def draw_batch(augmentation: Augmentation, count: tf.Tensor, seed: tf.Tensor) -> dict:
    """Draw what `apply_batch` needs for `count` images.

    Returns:
        A dictionary of (count,) tensors: `mirrored`, `grey` (0 or 1), `angle` (radians), `zoom`
        (factor), `dx`, `dy` (shares of the side), `brightness`, `contrast`, `saturation`
        (factors); and `order`, 0 ... 5, one for the batch.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 10))

    def around(centre, width):
        return tf.random.stateless_uniform([count], seeds.pop(), centre - width, centre + width)

    def chance(probability):
        return tf.cast(tf.random.stateless_uniform([count], seeds.pop()) < probability, tf.float32)

    return {
        "mirrored": chance(augmentation.flip),
        "grey": chance(augmentation.grey),
        "angle": around(0.0, augmentation.rotation * math.pi / 180),
        "zoom": around(1.0, augmentation.zoom),
        "dx": around(0.0, augmentation.shift),
        "dy": around(0.0, augmentation.shift),
        "brightness": around(1.0, augmentation.brightness),
        "contrast": around(1.0, augmentation.contrast),
        "saturation": around(1.0, augmentation.saturation),
        "order": tf.random.stateless_uniform([], seeds.pop(), 0, 6, tf.int32),
    }


def apply_batch(images: tf.Tensor, draws: dict) -> tf.Tensor:
    """Apply draws to (B, S, S, 3) float32 images in 0 ... 255."""
    images = blend(images, grey_of(images), 1.0 - draws["grey"])
    images = warp(images, draws)
    steps = {
        "b": lambda x: x * _per_image(draws["brightness"]),
        "c": lambda x: blend(x, mean_grey_of(x), draws["contrast"]),
        "s": lambda x: blend(x, grey_of(x), draws["saturation"]),
    }

    def in_order(order: str):
        def run():
            x = images
            for letter in order:
                x = tf.clip_by_value(steps[letter](x), 0.0, 255.0)
            return x

        return run

    orders = ("bcs", "bsc", "cbs", "csb", "sbc", "scb")
    return tf.switch_case(draws["order"], [in_order(order) for order in orders])


def warp(images: tf.Tensor, draws: dict) -> tf.Tensor:
    """Mirror, rotate, zoom and shift about the centre, in one bilinear sampling."""
    size = tf.shape(images)[1]
    centre = (tf.cast(size, tf.float32) - 1.0) / 2.0
    # The matrix leads from output to input pixels, hence the inverse of the change.
    cos, sin = tf.cos(draws["angle"]) / draws["zoom"], tf.sin(draws["angle"]) / draws["zoom"]
    sign = 1.0 - 2.0 * draws["mirrored"]
    rows = [[sign * cos, sign * sin], [-sin, cos]]
    shift_x = centre + (draws["dx"] * tf.cast(size, tf.float32))
    shift_y = centre + (draws["dy"] * tf.cast(size, tf.float32))
    offsets = [centre - row[0] * shift_x - row[1] * shift_y for row in rows]
    zero = tf.zeros_like(cos)
    matrix = tf.stack([*rows[0], offsets[0], *rows[1], offsets[1], zero, zero], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrix,
        output_shape=tf.stack([size, size]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def grey_of(images: tf.Tensor) -> tf.Tensor:
    """Return the luma of RGB images, (..., H, W, 1)."""
    return tf.reduce_sum(images * tf.constant(LUMA), axis=-1, keepdims=True)


def mean_grey_of(images: tf.Tensor) -> tf.Tensor:
    """Return the mean luma of each image, (B, 1, 1, 1)."""
    return tf.reduce_mean(grey_of(images), axis=[1, 2, 3], keepdims=True)


def blend(images: tf.Tensor, other: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Return `weight * images + (1 - weight) * other`, a weight an image."""
    weight = _per_image(weight)
    return weight * images + (1.0 - weight) * other


def _per_image(values: tf.Tensor) -> tf.Tensor:
    return values[:, None, None, None]
