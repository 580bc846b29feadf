"""From draws to augmented images: one implementation for `tf.data` and for the device."""

import functools
from collections.abc import Callable
from typing import Any

from keras_dldl.data.augment import geometry, pixels
from keras_dldl.data.augment.strengths import Augmentation


def apply(
    ops: Any,
    images: Any,
    draws: dict[str, Any],
    augmentation: Augmentation,
    stage: Callable[..., Callable] = functools.partial,
) -> Any:
    """Apply draws to a batch; what `augmentation` turns off is left out.

    Resolution and JPEG first, as in the file that a face is cut from; then the moves in one
    resampling, blur, colours, erasing and noise. The reference code greys before it moves; as both
    are linear in the pixels, the result is the same. Images stay uint8 until they are moved.

    Args:
        ops: `keras.ops` or `tensorflow_ops`, for which the tensors are.
        images: (B, S, S, 3) uint8 or float32 in 0 ... 255; S must be known.
        draws: (B,) float32 tensors by name, see `draws_from`.
        augmentation: the strengths.
        stage: compiles a function with its first and its named arguments. They are compiled one by
            one: XLA would make one step of several, and repeat an earlier one for each pixel of
            a later one that reads it.

    Returns:
        (B, S, S, 3) float32 in 0 ... 255, not rounded.
    """

    def run(function: Callable, *args: Any, **constants: Any) -> Any:
        return stage(function, ops, **constants)(*args)

    size = images.shape[1]
    sides = geometry.reduced_sides(ops, draws, size)
    if augmentation.resolution < 1:
        for _ in range(2):
            images = run(geometry.reduce_rows, images, sides)
    if augmentation.jpeg < 100:
        # Before the face is turned and enlarged: the blocks of a small photo's file grow with it.
        images = run(pixels.compress, images, draws)
    if augmentation.moves_pixels:
        outside = None
        if augmentation.fill or augmentation.cut:
            outside = {k: v for k, v in draws.items() if k.startswith(("cut_", "outside_"))}
        images = run(geometry.warp, images, geometry.fused(ops, draws), sides, outside)
    images = ops.cast(images, "float32")
    if augmentation.blur or augmentation.sharpen:
        widest = max(augmentation.blur, pixels.SHARPENED if augmentation.sharpen else 0.0)
        blurred = images
        for _ in range(2):
            blurred = run(pixels.blur_rows, blurred, draws, widest=widest)
        images = run(pixels.sharpen, images, blurred, draws)
    if augmentation.changes_colour:
        images = run(pixels.recolour, images, draws)
    if augmentation.warmth or augmentation.gamma or augmentation.sepia:
        images = run(pixels.tint, images, draws)
    if augmentation.erase:
        images = run(pixels.erase, images, draws)
    if augmentation.noise or augmentation.grain:
        images = run(pixels.add_noise, images, draws)
    return images
