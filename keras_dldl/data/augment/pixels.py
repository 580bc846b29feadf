"""Changing pixels where they are: blur, colours, erasing, noise and JPEG.

`ops` is `keras.ops` or `tensorflow_ops`; images are (B, S, S, 3) float32 in 0 ... 255.
"""

import functools
import math
from typing import Any

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue
SEPIA = 0.18  # what a sepia picture has more of red and less of blue
SHARPENED = 0.006  # width of what sharpening takes for blur, as a share of the side
NOISE_VALUES = 2**20
# The tables of the JPEG standard (ITU-T T.81, annex K), at quality 50.
_LUMINANCE = np.array([
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
])  # fmt: skip
_CHROMINANCE = np.full((8, 8), 99)
_CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


def blur_rows(ops: Any, images: Any, draws: dict[str, Any], widest: float) -> Any:
    """Blur the columns by a Gaussian of `blur`, or as `sharpen` needs it; and turn the image round.

    `widest` is the largest standard deviation, as a share of the side.
    """
    size = images.shape[1]
    reach = max(1, math.ceil(2.5 * widest * size))
    width = ops.where(draws["sharpen"] > 0.0, SHARPENED, draws["blur"]) * size
    width = ops.maximum(width, 0.1)
    weights = [ops.exp(-0.5 * (k / width) ** 2) for k in range(reach + 1)]
    total = weights[0] + 2.0 * sum(weights[1:])
    padded = ops.concatenate([images[:, :1]] * reach + [images] + [images[:, -1:]] * reach, axis=1)
    blurred = of_image(weights[0] / total) * images
    for k in range(1, reach + 1):
        pair = padded[:, reach - k : reach - k + size] + padded[:, reach + k : reach + k + size]
        blurred = blurred + of_image(weights[k] / total) * pair
    return ops.transpose(blurred, (0, 2, 1, 3))


def sharpen(ops: Any, images: Any, blurred: Any, draws: dict[str, Any]) -> Any:
    """Return the blurred image, or where `sharpen` is drawn the image with its details raised."""
    amount = of_image(draws["sharpen"])
    sharpened = ops.clip(images + amount * (images - blurred), 0.0, 255.0)
    return ops.where(amount > 0.0, sharpened, blurred)


@functools.cache
def noise_sheet() -> np.ndarray:
    """Return the white noise, (`NOISE_VALUES`,) float32, of which every image gets a piece."""
    return np.random.default_rng(0).standard_normal(NOISE_VALUES, np.float32)


def add_noise(ops: Any, images: Any, draws: dict[str, Any]) -> Any:
    """Add noise of the sensor, apart for each value, and grain, the same in all three colours.

    `noise` and `grain` are standard deviations as shares of 255.
    """
    size, sheet = images.shape[1], ops.convert_to_tensor(noise_sheet())

    def piece(name: str, shape: tuple[int, ...]) -> Any:
        start = ops.cast(draws[name] * NOISE_VALUES, "int32")[:, None]
        index = (start + ops.arange(math.prod(shape), dtype="int32")[None, :]) % NOISE_VALUES
        return ops.reshape(ops.take(sheet, index, axis=0), (-1, *shape))

    images = images + of_image(255.0 * draws["noise"]) * piece("noise_place", (size, size, 3))
    fine = piece("grain_place", (size + 1, size + 1, 1))
    # Grains are wider than a pixel: half the sum of four neighbours keeps the variance at 1.
    grains = 0.5 * (fine[:, 1:, 1:] + fine[:, 1:, :-1] + fine[:, :-1, 1:] + fine[:, :-1, :-1])
    images = images + of_image(255.0 * draws["grain"]) * grains
    return ops.clip(images, 0.0, 255.0)


def compress(ops: Any, images: Any, draws: dict[str, Any]) -> Any:
    """Return what JPEG of the drawn `quality` leaves, with colours at half the resolution (4:2:0).

    The result is uint8. At a quality of 100 the image is left as it is.
    """
    size = images.shape[1]
    spare = -size % 16
    images = ops.round(ops.cast(images, "float32"))
    padded = images
    for axis in (1, 2):
        if spare:
            edge = padded[:, -1:] if axis == 1 else padded[:, :, -1:]
            padded = ops.concatenate([padded] + [edge] * spare, axis=axis)
    red, blue = padded[..., :1], padded[..., 2:]
    y = luma(padded)
    halves = (size + spare) // 2
    chroma = ops.concatenate([(blue - y) / 1.772, (red - y) / 1.402], axis=-1)
    chroma = ops.reshape(chroma, (-1, halves, 2, halves, 2, 2))
    chroma = ops.round(ops.mean(chroma, axis=(2, 4)))
    quality = ops.round(draws["quality"])
    y = _quantised(ops, ops.round(y) - 128.0, quality, _LUMINANCE) + 128.0
    chroma = _enlarged(ops, _quantised(ops, chroma, quality, _CHROMINANCE))
    cb, cr = chroma[..., :1], chroma[..., 1:]
    green = y - (LUMA[2] * 1.772 * cb + LUMA[0] * 1.402 * cr) / LUMA[1]
    found = ops.concatenate([y + 1.402 * cr, green, y + 1.772 * cb], axis=-1)
    found = ops.round(ops.clip(found, 0.0, 255.0))[:, :size, :size]
    return ops.cast(ops.where(of_image(quality) < 100.0, found, images), "uint8")


def _quantised(ops: Any, planes: Any, quality: Any, table: Any) -> Any:
    """Round the cosine transform of the 8 x 8 blocks of (B, H, W, C) planes as JPEG does."""
    height, width, colours = planes.shape[1:]
    blocks = ops.reshape(planes, (-1, height // 8, 8, width // 8, 8, colours))
    blocks = ops.reshape(
        ops.transpose(blocks, (0, 1, 3, 5, 2, 4)), (-1, height * width * colours // 64, 64)
    )
    scale = ops.where(quality < 50.0, ops.floor(5000.0 / quality), 200.0 - 2.0 * quality)
    at_50 = ops.convert_to_tensor(table.reshape(1, 64).astype(np.float32))
    steps = ops.floor((at_50 * scale[:, None] + 50.0) / 100.0)
    steps = ops.clip(steps, 1.0, 255.0)[:, None, :]
    cosines = ops.convert_to_tensor(_cosines())
    blocks = ops.round(ops.matmul(blocks, ops.transpose(cosines, (1, 0))) / steps) * steps
    blocks = ops.reshape(ops.matmul(blocks, cosines), (-1, height // 8, width // 8, colours, 8, 8))
    return ops.round(
        ops.reshape(ops.transpose(blocks, (0, 1, 4, 2, 5, 3)), (-1, height, width, colours))
    )


@functools.cache
def _cosines() -> np.ndarray:
    """Return the cosine transform of an 8 x 8 block as a matrix, (64, 64) float32, orthogonal."""
    k, n = np.mgrid[:8, :8]
    one_axis = 0.5 * np.cos((2 * n + 1) * k * np.pi / 16)
    one_axis[0] /= np.sqrt(2)
    return np.kron(one_axis, one_axis).astype(np.float32)


def _enlarged(ops: Any, planes: Any) -> Any:
    """Double both sides of (B, H, W, C), each new value three quarters its own, one the next."""
    for _ in range(2):
        before = ops.concatenate([planes[:, :1], planes[:, :-1]], axis=1)
        behind = ops.concatenate([planes[:, 1:], planes[:, -1:]], axis=1)
        pairs = [0.75 * planes + 0.25 * before, 0.75 * planes + 0.25 * behind]
        count, width, colours = planes.shape[1:]
        planes = ops.reshape(ops.stack(pairs, axis=2), (-1, 2 * count, width, colours))
        planes = ops.transpose(planes, (0, 2, 1, 3))
    return planes


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
