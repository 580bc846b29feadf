"""A picture that squares are cut out of, many times and at many scales."""

import math

import numpy as np

from keras_dldl.faces.alignment import cut


class Picture:
    """A picture at its full size, at a half, a quarter and so on, each made when first needed.

    A face is looked at several times; each time only as many pixels are touched as the square has.

    Args:
        image: (H, W, 3) uint8 RGB.
    """

    def __init__(self, image: np.ndarray):
        self.shape = image.shape
        self._halves = [image]

    def cut(self, scale: complex, shift: complex, size: int) -> np.ndarray:
        """Cut out a turned and scaled square; see `alignment.cut`, with `quick`.

        >>> Picture(np.zeros((90, 60, 3), np.uint8)).cut(5.0, 1 + 2j, 8).shape
        (8, 8, 3)
        """
        from PIL import Image

        times = max(0, math.floor(math.log2(abs(scale))))
        while len(self._halves) <= times:
            self._halves.append(np.asarray(Image.fromarray(self._halves[-1]).reduce(2)))
        factor = 2**times
        return cut(self._halves[times], scale / factor, shift / factor, size, quick=True)
