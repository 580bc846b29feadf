"""One face found in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_dldl.faces.alignment import roll_of


@dataclass(frozen=True, eq=False)
class Face:
    """One face found.

    Args:
        box: (x, y, width, height) in the image's pixels, cut at its edges.
        landmarks: (5, 2), x and y of left eye, right eye (as the viewer of the upright face sees
            them), nose tip, left and right mouth corner.
        score: the detector's confidence, 0 ... 1.

    >>> from keras_dldl.faces.alignment import MEAN_SHAPE
    >>> face = Face((0, 0, 90, 120), 40 * MEAN_SHAPE + 60, 0.9)
    >>> face.area, round(face.roll), face.scaled(2).box
    (10800, 0, (0, 0, 180, 240))
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]

    @property
    def roll(self) -> float:
        """Turn of the face in the picture's plane: degrees clockwise from upright, -180 ... 180."""
        return roll_of(self.landmarks)

    def scaled(self, factor: float) -> "Face":
        """Return the face as it lies in the same picture enlarged by `factor`."""
        x, y, width, height = self.box
        box = (x * factor, y * factor, width * factor, height * factor)
        return Face(box, self.landmarks * factor, self.score)

    def cut_at_edges(self, shape: tuple[int, ...]) -> "Face | None":
        """Return the face with its box cut at the edges of a picture of (H, W, ...).

        None where nothing is left of the box: detectors look a little over the edges.
        """
        x, y, width, height = self.box
        left, right = np.clip([x, x + width], 0, shape[1])
        top, bottom = np.clip([y, y + height], 0, shape[0])
        box = (float(left), float(top), float(right - left), float(bottom - top))
        return Face(box, self.landmarks, self.score) if box[2] > 0 and box[3] > 0 else None


def left_to_right(faces: Sequence[Face]) -> list[Face]:
    """Return the faces by the left edges of their boxes."""
    return sorted(faces, key=lambda face: face.box[0])


def largest(faces: Sequence[Face]) -> Face | None:
    """Return the face with the largest box, or None where there is none.

    >>> points = np.zeros((5, 2))
    >>> largest([Face((0, 0, 20, 30), points, 0.9), Face((50, 0, 40, 50), points, 0.8)]).box
    (50, 0, 40, 50)
    """
    return max(faces, key=lambda face: face.area, default=None)
