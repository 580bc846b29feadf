"""Changing colours, pixel by pixel, and covering a part. `ops`: `keras.ops`, `tensorflow_ops`."""

from typing import Any

from keras_dldl.data.augment.table import LUMA

SEPIA = 0.18  # what a sepia picture has more of red and less of blue


def recolour(ops: Any, images: Any, draws: dict[str, Any]) -> Any:
    """Change the colours of (B, S, S, 3) float32 images in 0 ... 255.

    Grey is a saturation of 0. Brightness scales the image, contrast its distance from the mean of
    its luma, saturation that from the luma of each pixel. Unclipped these
    three commute, so a random order needs no draw. The result is clipped once; that of the
    reference code is not.
    """
    saturation = (1.0 - draws["grey"]) * draws["saturation"]
    brightness, contrast = draws["brightness"], draws["contrast"]
    offset = of_image(brightness * (1.0 - contrast)) * luma(mean_colours(ops, images))
    images = (
        of_image(brightness * contrast * saturation) * images
        + of_image(brightness * contrast * (1.0 - saturation)) * luma(images)
        + offset
    )
    return ops.clip(images, 0.0, 255.0)


def tint(ops: Any, images: Any, draws: dict[str, Any]) -> Any:
    """Change gamma and colour temperature of (B, S, S, 3) float32 images in 0 ... 255.

    Gamma keeps black and white; a warm picture has more red and less blue. Sepia is grey and warm.
    """
    sepia = of_image(draws["sepia"])
    images = images + sepia * (luma(images) - images)
    images = 255.0 * ops.maximum(images / 255.0, 1e-6) ** of_image(draws["gamma"])
    warmth = draws["warmth"] + SEPIA * draws["sepia"]
    gains = ops.stack([1.0 + warmth, ops.ones_like(warmth), 1.0 - warmth], axis=1)
    return ops.clip(images * gains[:, None, None, :], 0.0, 255.0)


def erase(ops: Any, images: Any, draws: dict[str, Any]) -> Any:
    """Fill the drawn rectangles of (B, S, S, 3) float32 images with each image's mean colour."""
    size = images.shape[1]
    axis = ops.arange(size, dtype="float32")[None, :]

    def between(place: Any, length: Any) -> Any:
        first = place * (1.0 - length)
        begin, end = (ops.round(edge * size)[:, None] for edge in (first, first + length))
        return ops.logical_and(axis >= begin, axis < end)

    down = between(draws["erase_y"], draws["erased"] * draws["erase_height"])
    across = between(draws["erase_x"], draws["erased"] * draws["erase_width"])
    inside = ops.logical_and(down[:, :, None], across[:, None, :])[..., None]
    return ops.where(inside, mean_colours(ops, images), images)


def mean_colours(ops: Any, images: Any) -> Any:
    """Return the mean of each image, (B, 1, 1, 3)."""
    size = images.shape[1]
    # Over the rows as a product of matrices, which the compiler does better than a mean.
    columns = ops.reshape(images, (-1, size, size * 3))
    mean_row = ops.einsum("h,bhk->bk", ops.zeros_like(images[0, :, 0, 0]) + 1.0 / size, columns)
    return ops.mean(ops.reshape(mean_row, (-1, 1, size, 3)), axis=2, keepdims=True)


def luma(images: Any) -> Any:
    """Return the luma of RGB images, (..., H, W, 1)."""
    return sum(weight * images[..., k : k + 1] for k, weight in enumerate(LUMA))


def of_image(values: Any) -> Any:
    """Return one value for each image, (B,), so that it meets (B, S, S, 3)."""
    return values[:, None, None, None]
