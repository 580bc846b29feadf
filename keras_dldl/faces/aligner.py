"""The one way from an image to an aligned face, shared by `prepare`, evaluation and prediction."""

from collections.abc import Sequence

import numpy as np

from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detector import Face, FaceDetector


def largest(faces: Sequence[Face]) -> Face | None:
    """Return the face with the largest box, or None where there is none."""
    return max(faces, key=lambda face: face.area, default=None)


class FaceAligner:
    """Detects faces and cuts them out.

    Args:
        alignment: the template; default `Alignment()`.
        detector: anything with `detect(images) -> list[list[Face]]`; default `FaceDetector()`.
    """

    def __init__(self, alignment: Alignment | None = None, detector: FaceDetector | None = None):
        self.alignment = alignment or Alignment()
        self.detector = detector or FaceDetector()

    def detect(self, images: list[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each (H, W, 3) uint8 RGB image, left to right."""
        return self.detector.detect(images)

    def crops_of_largest(
        self, images: list[np.ndarray], size: int
    ) -> list[tuple[np.ndarray, Face | None]]:
        """Return, for each image, its largest face cut out, or the whole image and None.

        Args:
            images: (H, W, 3) uint8 RGB arrays.
            size: side of the crops in pixels.

        Returns:
            A list of ((size, size, 3) uint8 crop, face or None).
        """
        return [
            self._crop(image, largest(faces), size)
            for image, faces in zip(images, self.detect(images), strict=True)
        ]

    def _crop(
        self, image: np.ndarray, face: Face | None, size: int
    ) -> tuple[np.ndarray, Face | None]:
        if face is None:
            return self.alignment.whole(image, size), None
        return self.alignment.align(image, face.landmarks, size), face
