"""Cutting turned and scaled squares out of pictures."""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image


def cut(
    image: "np.ndarray | Image.Image",
    scale: complex,
    shift: complex,
    size: int,
    *,
    quick: bool = False,
) -> np.ndarray:
    """Cut a turned and scaled square out of an image; edge pixels fill what lies outside.

    Args:
        image: (H, W, 3) uint8 RGB, or the same as a PIL image.
        scale: image pixels per pixel of the square, times the turn, as a complex number.
        shift: where the square's upper left corner lies in the image, x + iy.
        size: side of the square in pixels.
        quick: a tenth of the time, and less sharp: for networks that find faces.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    from PIL import Image

    # A pixel of the square that covers several of the image is the mean of four places in it: no
    # aliasing. Of a large face the image is averaged first, in whole blocks, which is far quicker.
    # Where it covers more than two, linear interpolation, in half the time, shows the same.
    blocks = max(1, int(abs(scale) / 2))
    finer = 1 if quick or abs(scale) < 1 + 1e-6 else 2
    linear = quick or abs(scale) > 2
    fine_size = size * finer
    scale /= finer
    corners = np.array([0, fine_size, 1j * fine_size, fine_size * (1 + 1j)]) * scale + shift
    region, origin = _region(image, corners, blocks)
    scale, shift = scale / blocks, (shift - origin) / blocks
    # x_in = Re(scale * (x + iy) + shift), y_in = Im(...), in Pillow's order of coefficients.
    matrix = (scale.real, -scale.imag, shift.real, scale.imag, scale.real, shift.imag)
    picture = region.transform(
        (fine_size, fine_size),
        Image.Transform.AFFINE,
        matrix,
        Image.Resampling.BILINEAR if linear else Image.Resampling.BICUBIC,
    )
    return np.asarray(picture.reduce(finer) if finer > 1 else picture)


class Picture:
    """A picture at its full size, at a half, a quarter and so on, each made when first needed.

    A face is looked at several times; each time only as many pixels are touched as the square has.

    Args:
        image: (H, W, 3) uint8 RGB.
    """

    def __init__(self, image: np.ndarray):
        self.shape = image.shape
        # Pillow's copy of the whole picture, a third larger than `image`, lives only until it is
        # halved: a batch has many pictures.
        self._halves: list[np.ndarray | Image.Image] = [image]

    def cut(self, scale: complex, shift: complex, size: int) -> np.ndarray:
        """Cut out a turned and scaled square; see `cut`, with `quick`.

        >>> Picture(np.zeros((90, 60, 3), np.uint8)).cut(5.0, 1 + 2j, 8).shape
        (8, 8, 3)
        """
        from PIL import Image

        times = max(0, math.floor(math.log2(abs(scale))))
        while len(self._halves) <= times:
            larger = self._halves[-1]
            if isinstance(larger, np.ndarray):
                larger = Image.fromarray(larger)
            self._halves.append(larger.reduce(2))
        factor = 2**times
        return cut(self._halves[times], scale / factor, shift / factor, size, quick=True)


def _region(
    image: "np.ndarray | Image.Image", corners: np.ndarray, blocks: int
) -> "tuple[Image.Image, complex]":
    """Return the part of `image` that `corners` span, and its origin x + iy in the image.

    Edges are repeated where the part reaches outside; each pixel of it is the mean of a square of
    `blocks` x `blocks` pixels.
    """
    from PIL import Image

    is_array = isinstance(image, np.ndarray)
    width, height = image.shape[1::-1] if is_array else image.size
    low = np.floor([corners.real.min(), corners.imag.min()]).astype(int) - 2 * blocks
    high = np.ceil([corners.real.max(), corners.imag.max()]).astype(int) + 3 * blocks
    # A part that lies outside as a whole shows the edge's pixels alone, however far away. Moved to
    # the edge, it takes no memory for what lies between.
    last = np.array([width - 1, height - 1])
    away = np.minimum(high, 0) + np.maximum(low - last, 0)
    low, high = low - away, high - away
    # At least one pixel of the image, also then.
    inside = np.clip([low, high], 0, last)
    left, top, right, bottom = (int(edge) for edge in (inside + [[0, 0], [1, 1]]).ravel())
    if is_array:  # only the part is copied
        part = Image.fromarray(image[top:bottom, left:right])
    else:
        part = image.crop((left, top, right, bottom))
    if blocks > 1:
        part = part.reduce(blocks)
    before = np.maximum(-((low - inside[0]) // blocks), 0)
    after = np.maximum(-((inside[0] - high) // blocks) - part.size, 0)
    if before.any() or after.any():
        borders = [(before[1], after[1]), (before[0], after[0]), (0, 0)]
        part = Image.fromarray(np.pad(np.asarray(part), borders, mode="edge"))
    return part, complex(*(inside[0] - before * blocks + away))
