"""Augmentation as a Keras layer, for models of one's own and where no `tf.data` feeds training."""

from typing import Any

import keras
from keras import ops

from keras_dldl.data.augment import device_geometry as geometry
from keras_dldl.data.augment.strengths import Augmentation
from keras_dldl.data.augment.table import LUMA, ROWS, draws_from


@keras.saving.register_keras_serializable(package="keras_dldl")
class FaceAugmentation(keras.layers.Layer):
    """Changes faces at random while a model trains, on any back end and device.

    Resolution first, then the moves in one resampling, then the colours, then erasing; as `tf.data`
    does it in `keras-dldl train`. `Augmentation.mixup` is left out, as it mixes labels, too.

    Args:
        augmentation: the strengths, or their config; what they turn off is left out. Default None:
            `Augmentation()`, the reference code's.
        seed: of the random numbers; None: one that differs from run to run.
        **kwargs: `name` of a Keras layer.

    Call arguments:
        images: (B, S, S, 3) uint8 or float32 in 0 ... 255; S must be known.
        training: whether to change them; None, outside `fit`: no.

    Output shape: (B, S, S, 3) float32 in 0 ... 255, not rounded, under any dtype policy.

    >>> import numpy as np
    >>> layer = FaceAugmentation(Augmentation(rotation=30), seed=1)
    >>> faces = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    >>> layer(faces, training=True).shape
    (2, 32, 32, 3)
    """

    def __init__(
        self,
        augmentation: Augmentation | dict[str, Any] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        # Else Keras would round the draws to the half precision of a mixed policy.
        super().__init__(autocast=False, **kwargs)
        if not isinstance(augmentation, Augmentation):
            augmentation = Augmentation.from_config(augmentation or {})
        self.augmentation = augmentation
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """Return the faces, changed by draws of their own in training."""
        if not training:
            return ops.cast(images, "float32")
        count = ops.shape(images)[0]
        rows = keras.random.uniform((ROWS, count), dtype="float32", seed=self.seed_generator)
        draws = draws_from(self.augmentation, ops.unstack(rows), ops.ones((count,)), ops)
        return self.apply(images, draws)

    def compute_output_spec(self, images: Any, training: bool | None = None) -> keras.KerasTensor:
        """Return the shape and dtype of the faces."""
        return keras.KerasTensor(images.shape, "float32")

    def apply(self, images: Any, draws: dict[str, Any]) -> Any:
        """Return the faces changed by given draws, (B,) float32 tensors, see `draws_from`."""
        strengths, size = self.augmentation, images.shape[1]
        sides = ops.full_like(draws["resolution"], float(size))
        if strengths.resolution < 1:
            sides = ops.maximum(ops.round(draws["resolution"] * size), 1.0)
            images = geometry.lower_resolution(images, sides)
        if strengths.moves_pixels:
            images = geometry.warp(images, geometry.fused(draws), sides)
        images = ops.cast(images, "float32")
        if strengths.changes_colour:
            images = recolour(images, draws)
        return erase(images, draws) if strengths.erase else images

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        own = {"augmentation": self.augmentation.get_config(), "seed": self.seed}
        return {**super().get_config(), **own}


def recolour(images: Any, draws: dict[str, Any]) -> Any:
    """Change the colours of (B, S, S, 3) float32 images in 0 ... 255, see `colour.recolour`."""

    def of_image(values: Any) -> Any:
        return values[:, None, None, None]

    saturation = (1.0 - draws["grey"]) * draws["saturation"]
    brightness, contrast = draws["brightness"], draws["contrast"]
    offset = of_image(brightness * (1.0 - contrast)) * luma(_mean_colours(images))
    images = (
        of_image(brightness * contrast * saturation) * images
        + of_image(brightness * contrast * (1.0 - saturation)) * luma(images)
        + offset
    )
    return ops.clip(images, 0.0, 255.0)


def erase(images: Any, draws: dict[str, Any]) -> Any:
    """Fill the drawn rectangles of (B, S, S, 3) float32 images with each image's mean colour."""
    size = images.shape[1]
    down = _between(draws["erase_y"], draws["erased"] * draws["erase_height"], size)
    across = _between(draws["erase_x"], draws["erased"] * draws["erase_width"], size)
    inside = ops.logical_and(down[:, :, None], across[:, None, :])[..., None]
    return ops.where(inside, _mean_colours(images), images)


def _between(place: Any, length: Any, size: int) -> Any:
    """Return which pixels of a side lie in an interval, (B, S), `place` of the room it has."""
    first = place * (1.0 - length)
    ends = (ops.round(end * size)[:, None] for end in (first, first + length))
    begin, end = ends
    axis = ops.arange(size, dtype="float32")[None, :]
    return ops.logical_and(axis >= begin, axis < end)


def _mean_colours(images: Any) -> Any:
    return ops.mean(images, axis=(1, 2), keepdims=True)


def luma(images: Any) -> Any:
    """Return the luma of RGB images, (..., H, W, 1)."""
    return sum(weight * images[..., k : k + 1] for k, weight in enumerate(LUMA))
