"""A mesh of 468 points on one face (Kartynnik et al. 2019), and the five points from it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_dldl.faces.alignment import cut

SIDE = 192
# The crop is so many times as large as the box of the face, as the network was trained.
CROP = 1.5
_LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
# The eyes' contours, the tip of the nose, the corners of the mouth; left as the viewer sees it.
FIVE_POINTS = (_LEFT_EYE, _RIGHT_EYE, (1, 4), (61,), (291,))


@dataclass(frozen=True)
class Mesh:
    """The points of one face.

    Args:
        points: (468,) complex, x + iy in the picture's pixels.
        presence: the network's confidence that there is a face, 0 ... 1.
    """

    points: np.ndarray
    presence: float

    @property
    def five_points(self) -> np.ndarray:
        """Left eye, right eye (as the viewer sees them), nose tip, mouth corners: (5,) complex."""
        return np.array([self.points[list(indices)].mean() for indices in FIVE_POINTS])

    @property
    def up(self) -> complex:
        """From chin to forehead, a complex number of length 1: a right angle to the eyes' line."""
        left, right = self.five_points[:2]
        return -1j * (right - left) / max(abs(right - left), 1e-9)


class FaceMesh:
    """Lays the mesh on one face.

    Args:
        network: maps (1, 192, 192, 3) float32 in [0, 1] to 1,404 numbers (x, y, z in the crop's
            pixels) and one logit of "there is a face".
    """

    def __init__(self, network: Callable[[np.ndarray], dict[str, np.ndarray]]):
        self._network = network

    def fit(self, image: np.ndarray, centre: complex, side: float, up: complex) -> Mesh:
        """Return the mesh of the face in a turned square of the picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            centre: of the face, x + iy in pixels.
            side: of the face in pixels.
            up: from chin to forehead, of length 1.
        """
        scale = CROP * side / SIDE * (up * 1j)
        shift = centre - scale * SIDE * (0.5 + 0.5j)
        crop = cut(image, scale, shift, SIDE, quick=True)
        outputs = self._network(crop[None].astype(np.float32) / 255)
        flag, coordinates = sorted(outputs.values(), key=np.size)
        x, y, _ = coordinates.reshape(468, 3).T.astype(np.float64)
        presence = 1 / (1 + np.exp(-np.clip(float(flag.ravel()[0]), -80, 80)))
        return Mesh(scale * (x + 1j * y) + shift, float(presence))

    def refit(self, image: np.ndarray, mesh: Mesh) -> Mesh:
        """Return the mesh of the same face on a crop turned and scaled by the mesh before."""
        upright = mesh.points / (mesh.up * 1j)
        low = complex(upright.real.min(), upright.imag.min())
        high = complex(upright.real.max(), upright.imag.max())
        side = max((high - low).real, (high - low).imag)
        return self.fit(image, (low + high) / 2 * mesh.up * 1j, side, mesh.up)
