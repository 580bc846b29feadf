"""A photo, decoded no larger than finding faces needs, and again where a crop needs more."""

from typing import Any

import numpy as np

from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import read_image, read_reduced
from keras_dldl.faces.sources import image_name, readable_again

# A large JPEG file is decoded at 1/2, 1/4 or 1/8, its longer side at least so many pixels: what
# MTCNN looks at.
LEAST_SIDE = 1280


class Photo:
    """An upright RGB picture, and faces cut out of it.

    Args:
        source: what `read_image` reads.
        max_pixels: largest picture accepted, see `read_image`.
        name: what to call it in errors; default `image_name(source)`.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, perhaps reduced.
        shape: height and width of the picture in its own pixels.
        reduction: by how much it is reduced: 1, 2, 4 or 8.

    Raises:
        UnreadableImage: see `read_image`.
    """

    def __init__(self, source: Any, *, max_pixels: int | None = None, name: str | None = None):
        self.name = image_name(source) if name is None else name
        self._source, self._max_pixels = readable_again(source, self.name), max_pixels
        self.pixels, self.shape = read_reduced(
            self._source, LEAST_SIDE, max_pixels=max_pixels, name=self.name
        )
        # Sides are rounded up: the quotient of the longer ones is off by less than a hundredth.
        self.reduction = round(max(self.shape) / max(self.pixels.shape[:2]))

    def align(self, alignment: Alignment, landmarks: np.ndarray, size: int) -> np.ndarray:
        """Cut out one face, from as many pixels as the crop needs.

        Args:
            alignment: how.
            landmarks: (5, 2), x and y in the picture's own pixels.
            size: side of the crop in pixels.

        Returns:
            (size, size, 3) uint8 RGB.
        """
        if alignment.scale(landmarks, size) < self.reduction > 1:
            self.pixels = read_image(self._source, max_pixels=self._max_pixels, name=self.name)
            self.reduction = 1
        return alignment.align(self.pixels, landmarks / self.reduction, size)
